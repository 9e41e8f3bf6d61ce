#!/usr/bin/env python3
"""mutate.py fs DIR NAME STEP | vol DEVICE STEP
Changes for one step. What it writes depends on NAME and STEP alone (seeded), so two runs
make the same files. NAME: enc, child, clone. Steps 1, 2, 3, 5, 6 (4 is made by step.sh with
a few bytes, to fall into the second of 3)."""
import ctypes, os, random, stat, subprocess, sys, struct

libc = ctypes.CDLL(None, use_errno=True)
libc.fallocate.argtypes = [ctypes.c_int, ctypes.c_int, ctypes.c_int64, ctypes.c_int64]
KEEP, PUNCH = 1, 2

def punch(path, off, n):
    fd = os.open(path, os.O_RDWR)
    if libc.fallocate(fd, KEEP | PUNCH, off, n): raise OSError(ctypes.get_errno(), 'punch', path)
    os.close(fd)

def put(path, data, mode='wb'):
    with open(path, mode) as f: f.write(data)
def over(path, off, data):
    with open(path, 'r+b') as f: f.seek(off); f.write(data)
def text(r, n): return ''.join(r.choice('abcdefgh     \n') for _ in range(n)).encode()
def ln(a, b): os.symlink(a, b)
def times(path, ns, ns2=None, follow=True): os.utime(path, ns=(ns, ns2 if ns2 is not None else ns), follow_symlinks=follow)

ODD = [b' leading space', b'trailing space ', b'new\nline', b'tab\there', b'-rf', b'--', b'back\\slash', b'quote\'"`$(x)', b'per%41cent', b'#hash', b'star*?[x]',
       'gr\u00fc\u00dfe \u65e5\u672c\u8a9e \U0001f600'.encode(), b'invalid-utf8-\xff\xfe\x80', b'\x01ctrl\x7f', 'e\u0301 and \u00e9'.encode(), b'L' * 255, b'...', b'CON', b'a:b|c<d>']

def fs(d, name, step):
    r = random.Random('%s/%d' % (name, step)); os.chdir(d); os.umask(0o022)
    fat = 200 if name == 'enc' else 60
    if name == 'clone':                     # the clone of child@s2 only gets small changes
        put('clone-%d' % step, r.randbytes(20000 + step)); over('big', 40000 * step, r.randbytes(9000))
        if step == 3: os.unlink('gone-in-3'); os.setxattr('clone-3', 'user.c', b'clone')
        if step == 5: os.rename('clone-3', 'clone-moved')
        return
    if step == 1:
        put('big', r.randbytes(400000)); put('text', text(r, 120000)); put('zeros', b'\0' * 300000); put('tiny', b'embedded block?' * 3); put('empty', b'')
        put('sparse', b''); over('sparse', 0, b'head'); os.truncate('sparse', 3 << 20); over('sparse', (2 << 20) + 777, r.randbytes(5000))
        put('cut', r.randbytes(200000)); put('grow', b'g' * 1000); put('gone-in-2', r.randbytes(70000)); put('gone-in-3', r.randbytes(70000)); put('hole', r.randbytes(300000))
        os.mkdir('odd'); [put(os.path.join(b'odd', n), n * 3) for n in ODD]
        os.mkdir('fat'); [put('fat/entry-%04d-%s' % (i, 'x' * (i % 90)), b'%d\n' % i * (i % 50)) for i in range(fat)]
        os.makedirs('deep/' + '/'.join('d%d' % i for i in range(20))); put('deep/' + '/'.join('d%d' % i for i in range(20)) + '/bottom', b'bottom')
        ln('text', 'link'); ln('/no/where', 'dangling'); ln('x' * 1000, 'long-link'); ln(b'\xff\n', 'odd-link')
        os.link('text', 'hard-1'); os.mkdir('dir'); os.link('text', 'dir/hard-2')
        os.mkfifo('fifo', 0o600); os.mknod('chr', 0o640 | stat.S_IFCHR, os.makedev(1, 3)); os.mknod('blk', 0o640 | stat.S_IFBLK, os.makedev(200, 70000))
        os.chmod('tiny', 0o6755); os.chmod('empty', 0); os.chmod('dir', 0o1777); os.chown('cut', 1234, 4321); os.chown('link', 77, 88, follow_symlinks=False)
        os.setxattr('text', 'user.small', b'value'); os.setxattr('text', 'user.binary', bytes(range(256))); os.setxattr('dir', 'user.on-dir', b'd'); os.setxattr('grow', 'user.empty', b'')
        os.setxattr('big', 'user.spill', r.randbytes(3000)); os.setxattr('tiny', 'trusted.t', b'root only'); os.setxattr('zeros', 'user.large', r.randbytes(20000))
        try: os.setxattr('cut', 'system.posix_acl_access', struct.pack('<I', 2) + b''.join(struct.pack('<HHI', *e) for e in ((1, 6, 0xffffffff), (2, 4, 1000), (4, 4, 0xffffffff), (16, 4, 0xffffffff), (32, 0, 0xffffffff))))
        except OSError as ex:
            if name == 'enc': raise
        times('zeros', 0); times('hole', 1_000_000_000_123_456_789); times('empty', -86_400_000_000_000 * 365 * 20 + 5); times('dangling', 1_234_567_890_987_654_321, follow=False)
    if step == 2:
        over('big', 100001, r.randbytes(50000)); put('text', b'appended in 2\n', 'ab'); os.unlink('gone-in-2'); put('new-in-2', r.randbytes(90000))
        os.truncate('cut', 70001); os.truncate('grow', 500000); over('grow', 400000, b'end'); punch('hole', 131072, 131072); punch('hole', 5000, 3000); put('zeros', b'now something' * 1000)
        os.rename('dir', 'dir-renamed'); os.rename('tiny', 'dir-renamed/tiny'); os.unlink('hard-1'); os.link('new-in-2', 'hard-3')
        os.setxattr('text', 'user.small', b'changed'); os.removexattr('text', 'user.binary'); os.setxattr('new-in-2', 'user.new', b'n' * 200)
        os.unlink('link'); ln('new-in-2', 'link'); times('big', 1_700_000_000_000_000_001); os.chmod('empty', 0o444)
        [os.unlink('fat/' + n) for n in sorted(os.listdir('fat'))[::3]]
    if step == 3:
        over('sparse', 1 << 20, r.randbytes(4000)); punch('sparse', 2 << 20, 65536); put('cut', b''); over('text', 60000, text(r, 3000)); os.unlink('long-link')
        if name == 'child': put('stay', b'x')            # gone-in-3 stays in child: the clone is of s2 and unlinks its own
        else: os.unlink('gone-in-3')
        os.rename(os.path.join(b'odd', ODD[2]), os.path.join(b'odd', b'was new\nline')); os.rename('fifo', 'odd/fifo'); os.chown('zeros', 65534, 65534); os.removexattr('big', 'user.spill')
        [put('fat/again-%03d' % i, b'again') for i in range(fat // 3)]
        os.rmdir('deep') if not os.listdir('deep') else None; put('type-change', b'a file')
    if step == 5:
        os.unlink('type-change'); os.mkdir('type-change'); put('type-change/inside', r.randbytes(3000)); over('big', 0, r.randbytes(20000)); os.truncate('big', 350001); put('hole', r.randbytes(10), 'ab')
        put('large-records', text(r, 100000) + r.randbytes(1100000 if name == 'child' else 1000))      # child: recordsize=1M since this step
        for n in sorted(os.listdir('fat')): os.unlink('fat/' + n)
        os.rmdir('fat'); os.mkdir('fat'); [put('fat/third-%03d' % i, b'') for i in range(fat // 2)]
        os.setxattr('big', 'user.back', r.randbytes(1500)); os.unlink('dangling'); os.mkdir('dangling')
    if step == 6:
        put('new-in-6', r.randbytes(30000)); os.rename('new-in-2', 'text-old'); os.rename('text', 'new-in-2'); os.rename('text-old', 'text'); os.unlink('zeros'); put('zeros', b'new object\n')
        for root, dirs, files in os.walk(b'odd', topdown=False):
            for n in files[::2]: os.unlink(os.path.join(root, n))
        punch('big', 0, 350001); times('text', 2**33 * 10**9 + 1)

def vol(path, step):
    r = random.Random('vol/%d' % step); K = 1024
    with open(path, 'r+b', buffering=0) as f:
        def w(off, data): f.seek(off); f.write(data)
        if step == 1: w(0, r.randbytes(300 * K)); w(5 << 20, text(r, 200 * K)); w((16 << 20) - 64 * K, r.randbytes(64 * K)); w(8 << 20, b'\0' * 256 * K)
        if step == 2: w(100 * K + 512, r.randbytes(50 * K)); w(12 << 20, r.randbytes(100 * K))
        if step == 3: w(5 << 20, b'\0' * 100 * K); w(9 << 20, r.randbytes(16 * K))
        if step == 5: w((16 << 20) - 4 * K, r.randbytes(4 * K)); w(64 * K, r.randbytes(32 * K))
        if step == 6: w(7 << 20, r.randbytes(40 * K))
        os.fsync(f.fileno())
    if step in (2, 5): subprocess.check_call(['blkdiscard', '-o', str(step << 20), '-l', str(512 * K), path]) if step == 2 else subprocess.check_call(['blkdiscard', '-o', str(12 << 20), '-l', str(64 * K), path])
    os.sync()

if sys.argv[1] == 'fs': fs(sys.argv[2], sys.argv[3], int(sys.argv[4]))
else: vol(sys.argv[2], int(sys.argv[3]))
