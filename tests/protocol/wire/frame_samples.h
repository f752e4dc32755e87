// Frames to feed and to read back.
#pragma once

#include <optional>
#include <string_view>

#include "base/bytes.h"
#include "protocol/wire/frame_assembler.h"

namespace penstock::wire {

void append(Bytes& to, ByteView bytes);

// A whole frame as it travels.
Bytes sample_frame(std::uint64_t correlation, std::string_view message,
                   const Bytes& attachment = {});

// The next frame that has arrived whole; none when there is none or when it is damaged. Frames are
// limited to 1 MiB.
std::optional<Frame> next_frame(FrameAssembler& assembler);

}  // namespace penstock::wire
