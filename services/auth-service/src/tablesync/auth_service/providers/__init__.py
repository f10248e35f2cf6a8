"""The providers that TableSync connects to, each as one class behind one protocol."""
