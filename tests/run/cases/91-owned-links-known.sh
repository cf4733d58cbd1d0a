# A file with several names in a lower layer that is not root's: copied up it is another inode, whose owner is not known.
chmod 600 a; ln b c; say "$(stat -c '%n %h %u %g %a' ./* | tr '\n' ';')"
