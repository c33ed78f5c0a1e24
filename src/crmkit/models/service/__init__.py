"""How is the service: waiting, business hours, control charts, the way of cases, teams beside each other?"""
