python3 - <<'P'
import os, socket
s = socket.socket(socket.AF_UNIX); s.bind("left"); os.chown("left", 5, 6); os.chmod("left", 0o660)
st = os.lstat("left"); print("SAY 31-sockets:", st.st_uid, st.st_gid, oct(st.st_mode))
pid = os.fork()
if pid == 0:
    os.chmod(".", 0o777); os.setgid(8); os.setuid(7); t = socket.socket(socket.AF_UNIX); t.bind("by-other"); t.listen(); st = os.lstat("by-other"); print("SAY 31-sockets:", st.st_uid, st.st_gid, flush=True); os.link("by-other", "linked") if 0 else None; os._exit(0)
os.waitpid(pid, 0)
a, b = socket.socketpair(); print("SAY 31-sockets: abstract", socket.socket(socket.AF_UNIX).bind("\0x%d" % os.getpid()))
P
say "$(stat -c '%n %F %U %G' ./* | tr '\n' ';')"
