"""The daemon as a Windows service: registered, started, stopped, removed, and its event log.

    registration   what the service manager is to be told: names, command line, account
    manager        the manager's calls: install, start, stop, remove, ask
    running        the side of the daemon: what the manager asks for, and what it is told
    events         which events of the daemon the Windows event log is told
    event_queue    the thread that tells it those that wait
    event_source   the Windows event log: its registry entry, and a handler of `logging`
    places         its directories, and who may change what it runs and reads
    permissions    what Windows writes about who may do what, written and judged
    descriptors    the calls about permissions
    calls          types of all these calls

The calls are made through `ctypes`: they are a dozen, and the service works from the wheel alone,
without a package that has to be registered with the system and brings a program of its own.
"""
