// LZ4 frames of independent 64 KiB blocks, which is all that some readers of the format take.
#include <lz4frame.h>

#include <memory>

#include "protocol/record/codec_formats.h"

namespace penstock::record {
namespace {

struct FreeContext {
  void operator()(LZ4F_dctx* context) const { LZ4F_freeDecompressionContext(context); }
};

LZ4F_preferences_t frame_preferences() {
  LZ4F_preferences_t preferences{};
  preferences.frameInfo.blockSizeID = LZ4F_max64KB;
  preferences.frameInfo.blockMode = LZ4F_blockIndependent;
  return preferences;  // no content size, no checksums: the batch has its own
}

}  // namespace

Status lz4_compress(ByteView input, Bytes& out) {
  const LZ4F_preferences_t preferences = frame_preferences();
  const std::size_t begin = out.size();
  out.resize(begin + LZ4F_compressFrameBound(input.size(), &preferences));
  const std::size_t size = LZ4F_compressFrame(out.data() + begin, out.size() - begin, input.data(),
                                              input.size(), &preferences);
  if (LZ4F_isError(size) != 0) return fail(Errc::kInternal, LZ4F_getErrorName(size));
  out.resize(begin + size);
  return {};
}

Status lz4_decompress(ByteView input, BoundedOutput& out) {
  // Not kept between calls: creating it is cheap, and a frame of 4 MiB blocks makes it large.
  LZ4F_dctx* raw = nullptr;
  if (LZ4F_isError(LZ4F_createDecompressionContext(&raw, LZ4F_VERSION)) != 0) {
    return fail(Errc::kInternal, "lz4 gave no decompression state");
  }
  const std::unique_ptr<LZ4F_dctx, FreeContext> context(raw);
  while (true) {
    const MutableByteView room = out.room();
    std::size_t produced = room.size();
    std::size_t consumed = input.size();
    const std::size_t wanted =
        LZ4F_decompress(context.get(), room.data(), &produced, input.data(), &consumed, nullptr);
    if (LZ4F_isError(wanted) != 0) return fail(Errc::kInvalidBatch, LZ4F_getErrorName(wanted));
    PENSTOCK_TRY(out.advance(produced));
    input = input.subspan(consumed);
    // At a frame's end; another may stand behind it.
    if (wanted == 0 && input.empty()) return {};
    if (consumed == 0 && produced == 0) {
      return fail(Errc::kInvalidBatch, "the compressed bytes end too early");
    }
  }
}

}  // namespace penstock::record
