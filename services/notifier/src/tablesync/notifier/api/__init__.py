"""The public routes of the notifier and the page that unsubscribes."""
