# A file with several names in a lower layer that is not root's: copied up by one of them it is another inode, and theirs still.
chmod 600 a; ln b c; say "$(stat -c '%n %h %u %g %a' ./* | tr '\n' ';')"
