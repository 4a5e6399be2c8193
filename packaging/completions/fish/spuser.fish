# Completion of spuser(1) in fish.

complete -c spuser -f
complete -c spuser -s h -l help -d 'Show the flags and exit'
complete -c spuser -l version -d 'Show the version and exit'
complete -c spuser -s u -x -d 'Private name'
complete -c spuser -s s -x -d 'Daemon: PORT, PORT@HOST or spread://HOST:PORT/'
complete -c spuser -s n -x -a '(__fish_complete_users)' -d 'User name of the method PWORD'
complete -c spuser -s p -x -d 'Password'
complete -c spuser -s r -d 'Let the daemon invent a private name'
complete -c spuser -l service -x -a 'unreliable reliable fifo causal agreed safe' -d 'Service of what is sent'
complete -c spuser -l timeout -x -d 'Longest time to wait for a session, in seconds'
