# Print what the server of a data directory complained of last.
#   said.sh DATA_DIRECTORY
cat "$0"/log/* 2>/dev/null | grep -E 'FATAL|PANIC|recovery ended before' | tail -n 3
