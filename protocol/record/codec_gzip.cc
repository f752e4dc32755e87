// gzip (RFC 1952) through zlib.
#define ZLIB_CONST
#include <zlib.h>

#include <algorithm>
#include <string>

#include "protocol/record/codec_formats.h"

namespace penstock::record {
namespace {

// zlib's way of saying: 32 KiB window, gzip framing and no other.
constexpr int kGzipWindowBits = 15 + 16;
constexpr int kDefaultMemLevel = 8;
// zlib counts in 32 bits.
constexpr std::size_t kMaxStep = 1U << 30;

const Bytef* zlib_in(ByteView bytes) { return reinterpret_cast<const Bytef*>(bytes.data()); }
Bytef* zlib_out(MutableByteView bytes) { return reinterpret_cast<Bytef*>(bytes.data()); }

class Deflater {
 public:
  Deflater() {
    ready_ = deflateInit2(&stream, Z_DEFAULT_COMPRESSION, Z_DEFLATED, kGzipWindowBits,
                          kDefaultMemLevel, Z_DEFAULT_STRATEGY) == Z_OK;
  }
  ~Deflater() {
    if (ready_) deflateEnd(&stream);
  }
  Deflater(const Deflater&) = delete;
  Deflater& operator=(const Deflater&) = delete;
  bool ready() const { return ready_; }

  z_stream stream{};

 private:
  bool ready_ = false;
};

class Inflater {
 public:
  Inflater() { ready_ = inflateInit2(&stream, kGzipWindowBits) == Z_OK; }
  ~Inflater() {
    if (ready_) inflateEnd(&stream);
  }
  Inflater(const Inflater&) = delete;
  Inflater& operator=(const Inflater&) = delete;
  bool ready() const { return ready_; }

  z_stream stream{};

 private:
  bool ready_ = false;
};

}  // namespace

Status gzip_compress(ByteView input, Bytes& out) {
  Deflater deflater;
  if (!deflater.ready()) return fail(Errc::kInternal, "zlib gave no compression state");
  z_stream& stream = deflater.stream;
  const std::size_t begin = out.size();
  const std::size_t bound = deflateBound(&stream, input.size());
  out.resize(begin + bound);
  stream.next_in = zlib_in(input);
  stream.avail_in = static_cast<uInt>(input.size());
  stream.next_out = zlib_out(MutableByteView(out).subspan(begin));
  stream.avail_out = static_cast<uInt>(bound);
  if (deflate(&stream, Z_FINISH) != Z_STREAM_END) {
    return fail(Errc::kInternal, "zlib did not finish within its own bound");
  }
  out.resize(begin + stream.total_out);
  return {};
}

Status gzip_decompress(ByteView input, BoundedOutput& out) {
  Inflater inflater;
  if (!inflater.ready()) return fail(Errc::kInternal, "zlib gave no decompression state");
  z_stream& stream = inflater.stream;
  stream.next_in = zlib_in(input);
  stream.avail_in = static_cast<uInt>(input.size());
  while (true) {
    const MutableByteView room = out.room();
    const auto step = static_cast<uInt>(std::min(room.size(), kMaxStep));
    stream.next_out = zlib_out(room);
    stream.avail_out = step;
    const int code = inflate(&stream, Z_NO_FLUSH);
    PENSTOCK_TRY(out.advance(step - stream.avail_out));
    if (code == Z_STREAM_END) {
      if (stream.avail_in == 0) return {};
      // A gzip file may be several members, one behind the other.
      if (inflateReset(&stream) != Z_OK) return fail(Errc::kInternal, "zlib cannot start again");
    } else if (code == Z_BUF_ERROR) {
      return fail(Errc::kInvalidBatch, "the compressed bytes end too early");
    } else if (code != Z_OK) {
      return fail(Errc::kInvalidBatch, stream.msg != nullptr ? stream.msg : "malformed");
    }
  }
}

}  // namespace penstock::record
