cat >t.py <<'P'
import ctypes, os, shutil, subprocess, sys, tempfile, threading
os.chmod(".", 0o1777)
def say(*words): print("SAY 37-python:", *words, flush=True)
def who(path): st = os.lstat(path); return st.st_uid, st.st_gid, oct(st.st_mode)
say(subprocess.run(["id"], user=7, group=8, extra_groups=[9, 10], capture_output=True, text=True).stdout.strip())
say(subprocess.run(["sh", "-c", "touch sub; id -u"], user="games", group="mail", extra_groups=[], umask=0o77, capture_output=True, text=True).stdout.strip(), who("sub"))
os.seteuid(5); open("euid", "w"); os.mkdir("euid-d"); os.symlink("x", "euid-l"); os.mkfifo("euid-p"); say(os.getresuid(), who("euid"), who("euid-d"), who("euid-l"), who("euid-p"))
os.seteuid(0); os.setegid(6); open("egid", "w"); say(os.getresgid(), who("egid")); os.setegid(0)
ids = []
def thread(): os.setgroups([1, 2, 3]); ids.append((os.getuid(), os.getgroups())); open("thread", "w"); os.chown("thread", 4, 5)
ts = [threading.Thread(target=thread) for _ in range(8)]; [t.start() for t in ts]; [t.join() for t in ts]; say(ids[0], len(ids), os.getgroups(), who("thread"))
pid = os.fork()
if pid == 0:
    os.setgroups([20]); os.setresgid(11, 12, 13); os.setresuid(14, 15, 16); say(os.getresuid(), os.getresgid(), os.getgroups()); open("res", "w"); say(who("res"))
    for f in (lambda: os.setuid(0), lambda: os.setresuid(14, 16, 15), lambda: os.seteuid(0), lambda: os.setgroups([]), lambda: os.chown("res", 1, 1), lambda: os.chown("res", -1, 13), lambda: os.mknod("dev", 0o20600, 5), lambda: os.setgid(11), lambda: os.chroot("/")):
        try: f(); say("ok", os.getresuid(), os.getresgid())
        except OSError as e: say(e.strerror)
    os.umask(0o22); fd = os.open(".", os.O_TMPFILE | os.O_RDWR, 0o640); ctypes.CDLL(None).linkat(-100, b"/proc/self/fd/%d" % fd, -100, b"tmpfile", 0x400); say(who("tmpfile"))
    with tempfile.NamedTemporaryFile(dir=".", delete=False) as f: say(who(f.name)[0]); os.rename(f.name, "named")
    os.rename("named", "named2"); os.makedirs("m/n/o"); shutil.copytree("m", "m2"); say(who("m2/n/o")); os._exit(0)
os.waitpid(pid, 0)
fd = os.open("fd", os.O_CREAT | os.O_RDWR); os.unlink("fd"); os.fchown(fd, 3, 4); st = os.fstat(fd); say(st.st_uid, st.st_nlink)
try: say(ctypes.CDLL(None).linkat(-100, b"/proc/self/fd/%d" % fd, -100, b"back", 0x400))
except OSError as e: say(e.strerror)
dirfd = os.open(".", os.O_RDONLY | os.O_DIRECTORY); os.chown("thread", 8, 9, dir_fd=dirfd); os.chown("thread", -1, 10); os.chown("thread", 11, -1); say(os.stat("thread", dir_fd=dirfd)[4:6]); os.fchdir(dirfd); os.chown("/proc/self/cwd/thread", 21, 22); say(who("thread"))
libc = ctypes.CDLL(None, use_errno=True); say(libc.syscall(439, -100, b"thread", 0, 0), libc.renameat2(-100, b"thread", -100, b"sub", 2), who("thread"), who("sub")); say(libc.unshare(0x10000000) in (0, -1)); say(libc.syscall(425, 1, 0), ctypes.get_errno() in (1, 38, 14))
o = os.open("thread", os.O_PATH); say(libc.fchownat(o, b"", 31, 32, 0x1000), who("thread"), os.fstat(o).st_uid)
for bad in ("no", "no/no", "thread/x", "x" * 300):
    try: os.chown(bad, 1, 1)
    except OSError as e: say(e.strerror)
os.symlink("loop", "loop"); os.symlink("nowhere", "dangling")
for p in ("loop", "dangling"):
    for f in (os.stat, lambda p: os.chown(p, 1, 1), lambda p: open(p)):
        try: f(p); say("ok")
        except OSError as e: say(e.strerror)
os.lchown("dangling", 41, 42); say(who("dangling")); shutil.copy2("dangling", "copied", follow_symlinks=False); say(who("copied")); say(os.access("/etc/shadow", os.W_OK), oct(os.umask(0)), os.getlogin() if False else "")
P
python3 t.py
