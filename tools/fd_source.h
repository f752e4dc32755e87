// FdSource: a file, a pipe or the terminal as input; Ctrl-C ends a wait.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "tools/byte_source.h"

namespace penstock::tools {

class FdSource final : public ByteSource {
 public:
  // "-" is standard input. kNotFound, kPermissionDenied, kIoError (a folder).
  static Result<FdSource> open(const std::string& path);
  ~FdSource() override;
  FdSource(FdSource&& other) noexcept;
  FdSource& operator=(FdSource&&) = delete;

  // Called again and again while nothing arrives; its error ends the read.
  void on_idle(std::function<Status()> idle) { idle_ = std::move(idle); }

  Result<std::size_t> read(MutableByteView into) override;

  // Of a regular file.
  std::optional<std::uint64_t> size() const { return size_; }
  bool is_standard_input() const { return fd_ == 0; }
  const std::string& name() const { return name_; }

 private:
  FdSource(int fd, std::string name) : fd_(fd), name_(std::move(name)) {}

  int fd_;
  std::string name_;
  std::optional<std::uint64_t> size_;
  std::function<Status()> idle_;
};

}  // namespace penstock::tools
