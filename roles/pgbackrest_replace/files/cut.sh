# Print what a replacement was made from that was cut short after the exchange of the directories
# had begun; end with 1 where there is none.
#   cut.sh DATA_DIRECTORY
cat "$0/labdb-replacement.json" 2>/dev/null && exit
test ! -e "$0" && cat "$0.restored/labdb-replacement.json" 2>/dev/null
