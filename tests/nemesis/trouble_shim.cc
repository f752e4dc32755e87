// A library to preload into a broker: it fails flushes, moves the wall clock, and remembers what
// was written and not flushed, so that a kill can become a power cut.
//
// PENSTOCK_TROUBLE names a folder. The file `control` in it holds four little-endian 64-bit
// numbers that may change at any time (trouble.py writes them):
//   syncs           1: fsync and fdatasync fail with EIO; 2: they say that they flushed, and lie
//   wall_offset_ns  is added to the wall clock
//   track_writes    nonzero: keep an undo journal
//   sync_us         how long a flush takes at least: memory is flushed faster than any disk, and
//                   what is under way at a power cut is what this is about
// Format of the journal: files `undo/<inode>.<generation>`; first the length of the path (32 bit)
// and the path, then for each write in order: position (64), length (64), size of the file before
// (64), length of the old bytes (64), old bytes. A successful flush removes the generations that
// were begun before it. What it does not undo: creating, renaming, removing and truncating files;
// the simulator and storage_crash_test do that.
#include <dlfcn.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdint>
#include <cstdlib>
#include <ctime>
#include <map>
#include <mutex>
#include <string>
#include <vector>

namespace {

constexpr std::uint64_t kFail = 1;
constexpr std::uint64_t kLie = 2;

struct Control {
  std::atomic<std::uint64_t> syncs;
  std::atomic<std::int64_t> wall_offset_ns;
  std::atomic<std::uint64_t> track_writes;
  std::atomic<std::uint64_t> sync_us;
};
static_assert(sizeof(Control) == 32);

// Never destroyed: the broker's threads may still write while the process ends.
struct Shim {
  std::string dir;
  Control* control = nullptr;
  std::mutex mutex;
  struct Journal {
    std::uint64_t generation = 0;
    int fd = -1;  // of the generation that is being written; -1: none yet
  };
  std::map<ino_t, Journal> journals;
};

template <typename Function>
Function* next(const char* name) {
  return reinterpret_cast<Function*>(dlsym(RTLD_NEXT, name));
}

Shim* open_shim() {
  const char* dir = std::getenv("PENSTOCK_TROUBLE");
  if (dir == nullptr) return nullptr;
  auto* shim = new Shim;
  shim->dir = dir;
  const int fd = ::open((shim->dir + "/control").c_str(), O_RDWR | O_CLOEXEC);
  if (fd < 0) return nullptr;
  void* at = ::mmap(nullptr, sizeof(Control), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  ::close(fd);
  if (at == MAP_FAILED) return nullptr;
  shim->control = static_cast<Control*>(at);
  return shim;
}

// When the library is loaded. Until then nothing is done to anybody: clock_gettime() is called from
// within allocators, that of AddressSanitizer for one, and must neither allocate nor wait.
Shim* const opened = open_shim();

Shim* shim() { return opened; }

std::string journal_name(const Shim& shim, ino_t inode, std::uint64_t generation) {
  return shim.dir + "/undo/" + std::to_string(inode) + "." + std::to_string(generation);
}

std::string path_of(int fd) {
  std::string path(4096, '\0');
  const auto length =
      ::readlink(("/proc/self/fd/" + std::to_string(fd)).c_str(), path.data(), path.size());
  path.resize(length < 0 ? 0 : static_cast<std::size_t>(length));
  return path;
}

void put(std::string& out, std::uint64_t number) {
  out.append(reinterpret_cast<const char*>(&number), sizeof(number));
}

// Before bytes are written: what is there now goes to the journal. Whoever dies between the two
// has undone nothing.
void remember(Shim& shim, int fd, std::size_t length, off_t position) {
  struct stat info;
  if (::fstat(fd, &info) != 0 || !S_ISREG(info.st_mode)) return;
  std::string old;
  if (position < info.st_size) {
    old.resize(std::min(length, static_cast<std::size_t>(info.st_size - position)));
    const auto got = ::pread(fd, old.data(), old.size(), position);
    old.resize(got < 0 ? 0 : static_cast<std::size_t>(got));
  }
  std::string entry;
  const std::scoped_lock lock(shim.mutex);
  Shim::Journal& journal = shim.journals[info.st_ino];
  if (journal.fd < 0) {
    journal.fd = ::open(journal_name(shim, info.st_ino, journal.generation).c_str(),
                        O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    const std::string path = path_of(fd);
    const auto path_length = static_cast<std::uint32_t>(path.size());
    entry.append(reinterpret_cast<const char*>(&path_length), sizeof(path_length));
    entry += path;
  }
  put(entry, static_cast<std::uint64_t>(position));
  put(entry, length);
  put(entry, static_cast<std::uint64_t>(info.st_size));
  put(entry, old.size());
  entry += old;
  static const auto real_write = next<ssize_t(int, const void*, size_t)>("write");
  if (real_write(journal.fd, entry.data(), entry.size()) != static_cast<ssize_t>(entry.size())) {
    std::abort();  // a journal with holes would hide lost data
  }
}

template <typename Flush>
int flushed(int fd, Flush flush) {
  Shim* const s = shim();
  if (s == nullptr) return flush(fd);
  const std::uint64_t syncs = s->control->syncs.load();
  if (syncs == kLie) return 0;
  if (syncs == kFail) {
    errno = EIO;
    return -1;
  }
  struct stat info;
  if (::fstat(fd, &info) != 0 || !S_ISREG(info.st_mode)) return flush(fd);
  std::uint64_t begun_before = 0;
  bool any = false;
  {
    const std::scoped_lock lock(s->mutex);
    const auto found = s->journals.find(info.st_ino);
    if (found != s->journals.end() && found->second.fd >= 0) {
      any = true;
      begun_before = found->second.generation++;
      ::close(found->second.fd);
      found->second.fd = -1;
    }
  }
  ::usleep(static_cast<useconds_t>(s->control->sync_us.load()));
  const int result = flush(fd);
  if (result == 0 && any) ::unlink(journal_name(*s, info.st_ino, begun_before).c_str());
  return result;
}

void before_write(int fd, std::size_t length, off_t position) {
  Shim* const s = shim();
  if (s != nullptr && s->control->track_writes.load() != 0) remember(*s, fd, length, position);
}

std::size_t total(const iovec* parts, int count) {
  std::size_t sum = 0;
  for (int i = 0; i < count; ++i) sum += parts[i].iov_len;
  return sum;
}

}  // namespace

extern "C" {

int fdatasync(int fd) {
  static const auto real = next<int(int)>("fdatasync");
  return flushed(fd, real);
}

int fsync(int fd) {
  static const auto real = next<int(int)>("fsync");
  return flushed(fd, real);
}

ssize_t pwritev(int fd, const iovec* parts, int count, off_t position) {
  static const auto real = next<ssize_t(int, const iovec*, int, off_t)>("pwritev");
  before_write(fd, total(parts, count), position);
  return real(fd, parts, count, position);
}

ssize_t pwrite(int fd, const void* bytes, size_t length, off_t position) {
  static const auto real = next<ssize_t(int, const void*, size_t, off_t)>("pwrite");
  before_write(fd, length, position);
  return real(fd, bytes, length, position);
}

// The names under which programs with 64-bit offsets everywhere know them.
ssize_t pwrite64(int fd, const void* bytes, size_t length, off_t position) {
  return pwrite(fd, bytes, length, position);
}

ssize_t pwritev64(int fd, const iovec* parts, int count, off_t position) {
  return pwritev(fd, parts, count, position);
}

ssize_t pwritev2(int fd, const iovec* parts, int count, off_t position, int flags) {
  static const auto real = next<ssize_t(int, const iovec*, int, off_t, int)>("pwritev2");
  before_write(fd, total(parts, count), position);
  return real(fd, parts, count, position, flags);
}

ssize_t pwritev64v2(int fd, const iovec* parts, int count, off_t position, int flags) {
  return pwritev2(fd, parts, count, position, flags);
}

int clock_gettime(clockid_t clock, timespec* into) {
  // Not the next one of that name: to look for it allocates.
  const int result = static_cast<int>(::syscall(SYS_clock_gettime, clock, into));
  if (result != 0 || (clock != CLOCK_REALTIME && clock != CLOCK_REALTIME_COARSE)) return result;
  if (Shim* const s = shim()) {
    constexpr std::int64_t kSecond = 1'000'000'000;
    const std::int64_t moved = into->tv_sec * kSecond + into->tv_nsec +
                               s->control->wall_offset_ns.load(std::memory_order_relaxed);
    into->tv_sec = moved / kSecond;
    into->tv_nsec = moved % kSecond;
  }
  return result;
}

}  // extern "C"
