#include "base/file.h"

namespace penstock {

Result<Bytes> Env::read_file(const std::string& path, std::uint64_t max_bytes) {
  PENSTOCK_TRY_ASSIGN(const auto file, open(path, OpenMode::kRead));
  PENSTOCK_TRY_ASSIGN(const std::uint64_t size, file->size());
  if (size > max_bytes) {
    return fail(Errc::kCorrupt, path + ": " + std::to_string(size) + " bytes, at most " +
                                    std::to_string(max_bytes) + " expected");
  }
  Bytes contents(size);
  PENSTOCK_TRY_ASSIGN(const std::size_t got, file->read_at(0, contents));
  contents.resize(got);
  return contents;
}

Status Env::replace_file(const std::string& path, ByteView contents) {
  const std::string temporary = path + ".tmp";
  {
    PENSTOCK_TRY_ASSIGN(const auto file, open(temporary, OpenMode::kOpenOrCreate));
    PENSTOCK_TRY(file->truncate(0));
    PENSTOCK_TRY(file->write_at(0, contents));
    PENSTOCK_TRY(file->sync_data());
  }
  PENSTOCK_TRY(rename(temporary, path));
  return sync_dir(dir_of(path));
}

std::string dir_of(const std::string& path) {
  const std::size_t slash = path.find_last_of('/');
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

}  // namespace penstock
