# Tell whether taking back was cut short after the exchange of the directories had begun.
#   half_back.sh DATA_DIRECTORY
test -e "$0.undone" || test -e "$0/labdb-taken-back"
