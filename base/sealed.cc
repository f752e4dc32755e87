#include "base/sealed.h"

#include <xxhash.h>

#include <string>
#include <utility>

#include "base/assert.h"
#include "base/coding.h"

namespace penstock {
namespace {

constexpr std::size_t kHeaderBytes = kSealMagicBytes + sizeof(std::uint16_t);
constexpr std::size_t kSumBytes = sizeof(std::uint64_t);

std::uint64_t sum_of(ByteView bytes) { return XXH3_64bits(bytes.data(), bytes.size()); }

}  // namespace

FieldWriter begin_sealed(const SealKind& kind, std::uint16_t version) {
  PENSTOCK_ASSERT(kind.magic.size() == kSealMagicBytes, "a magic word has eight letters");
  FieldWriter fields;
  fields.raw(as_bytes(kind.magic)).integer(version);
  return fields;
}

Bytes seal(FieldWriter fields) {
  fields.integer(sum_of(fields.bytes()));
  return fields.take();
}

Result<Sealed> open_sealed(ByteView bytes, const SealKind& kind) {
  const auto corrupt = [&](const std::string& why) {
    return fail(Errc::kCorrupt, std::string(kind.what) + ": " + why);
  };
  if (bytes.size() < kHeaderBytes + kSumBytes) return corrupt("it is too short");
  const ByteView summed = bytes.first(bytes.size() - kSumBytes);
  if (load_le<std::uint64_t>(bytes.data() + summed.size()) != sum_of(summed)) {
    return corrupt("its checksum does not fit");
  }
  if (as_text(summed.first(kSealMagicBytes)) != kind.magic) {
    return corrupt("it does not begin with " + std::string(kind.magic));
  }
  const auto version = load_le<std::uint16_t>(summed.data() + kSealMagicBytes);
  if (version < kind.oldest || version > kind.newest) {
    return fail(Errc::kUnsupportedVersion,
                std::string(kind.what) + " of version " + std::to_string(version) +
                    " is unknown to this release; start the release that wrote it, or a newer one");
  }
  return Sealed{version, summed.subspan(kHeaderBytes)};
}

}  // namespace penstock
