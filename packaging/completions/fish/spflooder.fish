# Completion of spflooder(1) in fish.

complete -c spflooder -f
complete -c spflooder -s h -l help -d 'Show the flags and exit'
complete -c spflooder -l version -d 'Show the version and exit'
complete -c spflooder -s u -x -d 'Private name'
complete -c spflooder -s m -x -d 'Messages to send'
complete -c spflooder -s n -x -d 'Members to wait for'
complete -c spflooder -s b -x -d 'Bytes of each message'
complete -c spflooder -s s -x -d 'Daemon: PORT, PORT@HOST or spread://HOST:PORT/'
complete -c spflooder -o ro -d 'Read only'
complete -c spflooder -o wo -d 'Write only'
complete -c spflooder -l group -x -d 'Group to flood'
complete -c spflooder -l service -x -a 'unreliable reliable fifo causal agreed safe' -d 'Service of the messages'
complete -c spflooder -l window -x -d 'Messages that may be on their way to any reader'
complete -c spflooder -l rate -x -d 'Messages to send in a second at most'
complete -c spflooder -l json -d 'Report as one line of JSON'
complete -c spflooder -l no-progress -d 'No progress bar on the terminal'
complete -c spflooder -l timeout -x -d 'Longest time to wait for a session, in seconds'
