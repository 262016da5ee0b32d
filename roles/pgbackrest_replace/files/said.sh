# Print what the server of a data directory complained of last, and why it could not fetch WAL.
#   said.sh DATA_DIRECTORY
cat "$0"/log/* 2>/dev/null |
  grep -E 'FATAL|PANIC|ERROR: \[|recovery ended before|^WAL segment' | tail -n 3
