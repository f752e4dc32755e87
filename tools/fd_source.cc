#include "tools/fd_source.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "tools/interrupt.h"
#include "tools/limits.h"

namespace penstock::tools {
namespace {

Error system_error(int number, const std::string& what) {
  Errc code = Errc::kIoError;
  if (number == ENOENT) code = Errc::kNotFound;
  if (number == EACCES || number == EPERM) code = Errc::kPermissionDenied;
  return {code, what + ": " + std::strerror(number)};
}

}  // namespace

Result<FdSource> FdSource::open(const std::string& path) {
  const bool standard_input = path == "-";
  const int fd = standard_input ? 0 : ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return fail(system_error(errno, "open " + path));
  FdSource source(fd, standard_input ? "standard input" : path);
  struct stat status = {};
  if (fstat(fd, &status) != 0) return fail(system_error(errno, "read " + source.name_));
  if (S_ISDIR(status.st_mode)) return fail(system_error(EISDIR, "read " + source.name_));
  if (S_ISREG(status.st_mode)) source.size_ = static_cast<std::uint64_t>(status.st_size);
  return source;
}

FdSource::FdSource(FdSource&& other) noexcept
    : fd_(std::exchange(other.fd_, -1)),
      name_(std::move(other.name_)),
      size_(other.size_),
      idle_(std::move(other.idle_)) {}

FdSource::~FdSource() {
  if (fd_ > 0) ::close(fd_);
}

Result<std::size_t> FdSource::read(MutableByteView into) {
  // poll() says of a regular file that it can always be read: no wait, but Ctrl-C is looked at.
  while (true) {
    const Waited waited = wait_readable(fd_, kIdleCheckInterval);
    if (waited == Waited::kInterrupted) return fail(Errc::kCancelled, "interrupted");
    if (waited == Waited::kTimeout) {
      if (idle_) PENSTOCK_TRY(idle_());
      continue;
    }
    const ssize_t size = ::read(fd_, into.data(), into.size());
    if (size >= 0) return static_cast<std::size_t>(size);
    if (errno != EINTR && errno != EAGAIN) return fail(system_error(errno, "read " + name_));
  }
}

}  // namespace penstock::tools
