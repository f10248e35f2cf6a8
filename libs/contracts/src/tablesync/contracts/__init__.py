"""Events, topics and ids that TableSync's services share."""
