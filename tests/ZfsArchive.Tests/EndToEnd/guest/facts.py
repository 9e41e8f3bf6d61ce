#!/usr/bin/env python3
"""facts.py save DIR TOP SNAPSHOT...   the facts of TOP, its child (or kid), vol and clone at these snapshots, into DIR as NAME@SNAPSHOT
facts.py compare DIR TOP             all of them again, of the tree that was restored as TOP and is mounted and open nowhere: one line for
                                     each file of DIR, same, absent or DIFFERS; then everything is mounted and compared with its newest
                                     snapshot: live. Exit 1 unless all are the same. Keys must be loaded.

Of a file system, one line for each file, sorted by the bytes of its path, tab-separated:
    path type mode uid gid size mtime_ns nlink first-of-hard-links rdev sha256 target xattrs ctime_ns inode holes     "-" for none
the last three only at a snapshot. Bytes outside printable ASCII, space, % and tab are written %XX; sizes of folders are the counts that ZFS
keeps. Of a volume, its size and the SHA-256 of each MiB of its device."""
import hashlib, os, stat, subprocess, sys, tempfile, time

KIND = {stat.S_IFREG: 'file', stat.S_IFDIR: 'dir', stat.S_IFLNK: 'link', stat.S_IFIFO: 'fifo', stat.S_IFCHR: 'chr', stat.S_IFBLK: 'blk', stat.S_IFSOCK: 'sock'}
NAMES = {'': 'enc', '/child': 'child', '/kid': 'child', '/vol': 'vol', '/clone': 'clone'}

def run(*a): return subprocess.run(a, check=True, stdout=subprocess.PIPE, text=True).stdout
def q(b): return ''.join(chr(c) if 33 <= c < 127 and c != 37 else '%%%02X' % c for c in b)
def digest(b): return hashlib.sha256(b).hexdigest()

def holes(fd, size):
    m = []; o = 0
    while o < size:
        try: a = os.lseek(fd, o, os.SEEK_DATA)
        except OSError: break
        o = os.lseek(fd, a, os.SEEK_HOLE); m.append('%d-%d' % (a, o))
    return ','.join(m) or 'empty'

def tree(top, snapshot):
    os.chdir(top); paths = [b'.']; stack = [b'.']; device = os.lstat(b'.').st_dev
    while stack:
        d = stack.pop()
        for e in os.scandir(d):
            p = e.name if d == b'.' else d + b'/' + e.name
            if p == b'.zfs': continue
            paths.append(p); st = e.stat(follow_symlinks=False)
            if stat.S_ISDIR(st.st_mode) and st.st_dev == device: stack.append(p)
    first = {}; out = []
    for p in sorted(paths):
        st = os.lstat(p); k = stat.S_IFMT(st.st_mode); sha = target = rdev = hl = map_ = '-'
        if k != stat.S_IFDIR and st.st_nlink > 1: hl = q(first.setdefault(st.st_ino, p))
        if k == stat.S_IFREG:
            with open(p, 'rb', buffering=0) as f:
                sha = digest(f.readall())
                if snapshot: map_ = holes(f.fileno(), st.st_size)
        elif k == stat.S_IFLNK: target = q(os.readlink(p))
        elif k in (stat.S_IFCHR, stat.S_IFBLK): rdev = '%d:%d' % (os.major(st.st_rdev), os.minor(st.st_rdev))
        xs = []
        for n in sorted(os.listxattr(p, follow_symlinks=False)):
            v = os.getxattr(p, n, follow_symlinks=False)
            xs.append('%s=%d:%s' % (q(os.fsencode(n)), len(v), digest(v)[:32] if len(v) > 40 else v.hex()))
        row = [q(p), KIND.get(k, oct(k)), '%04o' % stat.S_IMODE(st.st_mode), st.st_uid, st.st_gid, st.st_size, st.st_mtime_ns, st.st_nlink, hl, rdev, sha, target, ' '.join(xs) or '-']
        if snapshot: row += [st.st_ctime_ns, '-' if p == b'.' else st.st_ino, map_]      # a mounted snapshot's top has an invented inode
        out.append('\t'.join(map(str, row)))
    os.chdir('/'); return '\n'.join(out) + '\n'

def volume(name):
    node = '/dev/zvol/' + name
    for i in range(600):
        if os.path.exists(node): break
        if i % 100 == 99: subprocess.run(['udevadm', 'trigger', '--subsystem-match=block'])
        time.sleep(0.1)
    out = []
    with open(node, 'rb', buffering=0) as f:
        while b := f.read(1 << 20): out.append('%d\t%s' % (len(b), digest(b)))
    return '\n'.join(out) + '\n'

def at_snapshots(top, wanted):
    """Facts of all snapshots whose name is wanted: (NAME@SNAPSHOT, text)."""
    kinds = dict(l.split('\t') for l in run('zfs', 'list', '-H', '-r', '-o', 'name,type', top).splitlines())
    found = [s for s in run('zfs', 'list', '-H', '-r', '-t', 'snapshot', '-o', 'name', top).split() if wanted(s.split('@')[1])]
    vols = {s.split('@')[0] for s in found if kinds[s.split('@')[0]] == 'volume'}
    for v in vols: run('zfs', 'set', 'snapdev=visible', v)
    with tempfile.TemporaryDirectory() as m:
        for s in found:
            d = s.split('@')[0]
            if d in vols: text = volume(s)
            else:
                # the snapshot itself, at a place of its own: the file system need not be mounted
                run('mount', '-t', 'zfs', '-o', 'ro', s, m)
                try: text = tree(m, True)
                finally: run('umount', m)
            yield NAMES[d[len(top):]] + '@' + s.split('@')[1], text
    for v in vols: run('zfs', 'inherit', 'snapdev', v)

def live(top):
    listed = sorted(l.split('\t') for l in run('zfs', 'list', '-H', '-r', '-o', 'name,type,mountpoint', top).splitlines())
    for name, kind, place in listed:               # one after the other: what is mounted below would be seen
        if kind == 'filesystem': run('zfs', 'mount', name)
        yield NAMES[name[len(top):]], volume(name) if kind == 'volume' else tree(place, False)

def main(verb, folder, top, *snapshots):
    if verb == 'save':
        os.makedirs(folder, exist_ok=True)
        for name, text in at_snapshots(top, lambda s: s in snapshots):
            with open(folder + '/' + name, 'w') as f: f.write(text)
        return 0
    bad = False
    def say(name, text, saved):
        nonlocal bad
        bad |= text != saved
        print('%-8s%s' % ('same' if text == saved else 'DIFFERS', name))
        if text != saved:
            a, b = saved.splitlines(), text.splitlines()
            for l in [*('  - ' + l for l in a if l not in b), *('  + ' + l for l in b if l not in a)][:12]: print(l[:400])
    saved = {n: open(folder + '/' + n).read() for n in sorted(os.listdir(folder))}
    here = dict(at_snapshots(top, lambda s: True))
    for n, text in saved.items():
        if n in here: say(n, here[n], text)
        else: bad = True; print('absent  ' + n)
    for n, text in live(top):
        newest = saved[max(s for s in saved if s.startswith(n + '@'))]
        say(n + ' live', text, newest if n == 'vol' else ''.join('\t'.join(l.split('\t')[:13]) + '\n' for l in newest.splitlines()))
    return 1 if bad else 0

sys.exit(main(*sys.argv[1:]))
