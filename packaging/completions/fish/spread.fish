# Completion of spread(8) in fish.

complete -c spread -f
complete -c spread -s h -l help -d 'Show the flags and exit'
complete -c spread -s n -x -d 'Take the entry with this name'
complete -c spread -s c -r -F -d 'Configuration file'
complete -c spread -s l -x -a 'y n' -d 'Write the activity file'
complete -c spread -l local -d 'Run one daemon or a ring of several on this host only'
complete -c spread -l port -x -d 'Port of --local'
complete -c spread -l check -F -d 'Print what a configuration file means here'
complete -c spread -l json -d 'Let --check print JSON'
complete -c spread -l reload -d 'Let the running daemon read its configuration again'
complete -c spread -l monitor-allow -x -d 'Answer monitors of this network, too'
complete -c spread -l log-format -x -a 'classic json' -d 'Form of the event log'
complete -c spread -l metrics -x -d 'Serve metrics for Prometheus'
complete -c spread -l version -d 'Show the version and exit'
