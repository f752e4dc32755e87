// ObjectStore: named immutable objects, and small ones that are replaced under a precondition.
//
// Names are relative paths of [A-Za-z0-9._=-] components joined by '/'; no component is "." or
// "..". Invariants: put_file() never replaces an object (that is what keeps a late writer from
// damaging another one's chunk); replace() succeeds only over the version that the caller has seen.
// Threads: any. Failure: kNotFound, kAlreadyExists, kMismatch (precondition of replace() not met),
// kDiskFull, kIoError, kFsyncFailed, kOverloaded (another process is changing the store just now;
// try again). Returned success means durable.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/file.h"
#include "base/result.h"
#include "protocol/record/record.h"

namespace penstock::archiver {

// Names one state of a replaceable object; opaque (an ETag where the store has one).
struct ObjectVersion {
  std::string tag;
  friend bool operator==(const ObjectVersion&, const ObjectVersion&) = default;
};

struct ObjectStat {
  std::uint64_t size_bytes = 0;
  record::Hash128 hash;  // XXH3-128 of the content as the store holds it now
};

struct VersionedObject {
  Bytes bytes;
  ObjectVersion version;
};

class ObjectStore {
 public:
  virtual ~ObjectStore() = default;

  // Makes the local file `path` the object `name`; kAlreadyExists when there is one. The file is
  // gone after success and may be moved rather than copied.
  virtual Status put_file(const std::string& name, const std::string& path) = 0;
  virtual Result<VersionedObject> get(const std::string& name, std::uint64_t max_bytes) = 0;
  virtual Result<ObjectStat> stat(const std::string& name) = 0;
  // Names that begin with `prefix`, in ascending order.
  virtual Result<std::vector<std::string>> list(const std::string& prefix) = 0;
  // Atomically makes `bytes` the content of `name`, provided that its version still is `expected`
  // (none: that it does not exist); kMismatch otherwise.
  virtual Result<ObjectVersion> replace(const std::string& name, ByteView bytes,
                                        const std::optional<ObjectVersion>& expected) = 0;
  virtual Status remove(const std::string& name) = 0;

  // Where the SQL engine reads the object.
  virtual std::string location(const std::string& name) const = 0;
  // Folder or bucket prefix that holds every location().
  virtual std::string root() const = 0;
};

// Objects as files below `root`. Names that begin with '@' are the store's own: "@tmp/" for files
// under way, "@lock" files; '@' occurs in no topic name.
class LocalObjectStore final : public ObjectStore {
 public:
  // Creates the folder if need be.
  static Result<std::unique_ptr<LocalObjectStore>> open(Env& env, std::string root);
  // For readers: kNotFound when there is no such folder; changes nothing.
  static Result<std::unique_ptr<LocalObjectStore>> open_existing(Env& env, std::string root);

  Status put_file(const std::string& name, const std::string& path) override;
  Result<VersionedObject> get(const std::string& name, std::uint64_t max_bytes) override;
  Result<ObjectStat> stat(const std::string& name) override;
  Result<std::vector<std::string>> list(const std::string& prefix) override;
  Result<ObjectVersion> replace(const std::string& name, ByteView bytes,
                                const std::optional<ObjectVersion>& expected) override;
  Status remove(const std::string& name) override;
  std::string location(const std::string& name) const override { return root_ + "/" + name; }
  std::string root() const override { return root_; }

  // Held by the one worker that writes here; kLocked when another process has it.
  Result<std::unique_ptr<FileLock>> lock_for_writing();
  // Folder for files under way, on the same file system as the objects.
  std::string temporary_dir() const { return root_ + "/@tmp"; }

 private:
  LocalObjectStore(Env& env, std::string root) : env_(env), root_(std::move(root)) {}

  Result<std::unique_ptr<FileLock>> lock_for_change();
  Status create_parents(const std::string& name);
  Status copy_into(const std::string& from, const std::string& to);
  Status list_below(const std::string& folder, const std::string& prefix,
                    std::vector<std::string>& found);

  Env& env_;
  std::string root_;  // absolute
};

// XXH3-128 of a whole file, read in pieces.
Result<ObjectStat> hash_file(Env& env, const std::string& path);

}  // namespace penstock::archiver
