// docs/protocol.md against the code: whoever writes a client from the document gets it right.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdio>
#include <regex>

#include "base/coding.h"
#include "protocol/record/batch.h"
#include "protocol/record/builder.h"
#include "protocol/record/crc32c.h"
#include "protocol/record/record.h"
#include "protocol/wire/api.h"
#include "protocol/wire/data.pb.h"
#include "protocol/wire/frame.h"
#include "protocol/wire/frame_assembler.h"
#include "protocol/wire/frame_queue.h"
#include "protocol/wire/handshake.pb.h"
#include "protocol/wire/uuid_bytes.h"
#include "tests/protocol/wire/documented_bytes.h"

namespace penstock::wire {
namespace {

const Uuid kId = *Uuid::parse("000102030405060708090a0b0c0d0e0f");

template <typename Message>
Bytes serialized(const Message& message) {
  const std::string text = message.SerializeAsString();
  const ByteView view = as_bytes(text);
  return {view.begin(), view.end()};
}

Bytes frame_bytes(FrameHeader header, Bytes message, const Bytes& attachment = {}) {
  FrameQueue queue;
  queue.push(header, std::move(message), {SharedBytes(attachment)});
  Bytes bytes;
  for (const ByteView part : queue.parts()) bytes.insert(bytes.end(), part.begin(), part.end());
  return bytes;
}

Frame parse_frame(const Bytes& bytes) {
  FrameAssembler assembler;
  EXPECT_LE(bytes.size(), assembler.space()[1].size());
  std::memcpy(assembler.space()[1].data(), bytes.data(), bytes.size());
  assembler.received(bytes.size());
  const auto header = assembler.header(bytes.size());
  EXPECT_TRUE(header && header->has_value());
  assembler.begin_body();
  EXPECT_TRUE(assembler.body_complete());
  auto frame = assembler.take();
  EXPECT_TRUE(frame) << frame.error().to_string();
  return *std::move(frame);
}

TEST(ProtocolDocument, TheExampleFrameIsWhatTheCodeWrites) {
  record::BatchBuilder builder;
  builder.append(Timestamp(1'700'000'000'000), as_bytes("k1"), as_bytes("hello"));
  const Bytes batch = *builder.build();
  v1::ProduceRequest request;
  auto& data = *request.add_partitions();
  data.set_topic_id(to_wire(kId));
  data.set_partition(3);
  data.set_attachment_bytes(static_cast<std::uint32_t>(batch.size()));
  data.set_leader_epoch(-1);
  request.set_durability(v1::DURABILITY_FSYNCED);
  request.set_timeout_ms(5000);
  EXPECT_EQ(frame_bytes({.api = 16, .version = 1, .correlation = 7}, serialized(request), batch),
            documented_bytes("frame-example"));
}

TEST(ProtocolDocument, TheExampleFrameIsWhatTheCodeReads) {
  const Frame frame = parse_frame(documented_bytes("frame-example"));
  EXPECT_EQ(frame.header.kind, FrameKind::kRequest);
  EXPECT_EQ(frame.header.correlation, 7);
  v1::ProduceRequest request;
  ASSERT_TRUE(
      request.ParseFromArray(frame.message.view().data(), static_cast<int>(frame.message.size())));
  EXPECT_EQ(request.partitions(0).partition(), 3);
  EXPECT_EQ(request.timeout_ms(), 5000);
  const auto batch = record::BatchView::parse(frame.attachment.view());
  ASSERT_TRUE(batch) << batch.error().to_string();
  EXPECT_EQ(batch->size(), frame.attachment.size());
  EXPECT_TRUE(batch->verify_crc());
  auto records = record::Records::open(*batch);
  const auto record = records->next();
  ASSERT_TRUE(record && record->has_value());
  EXPECT_EQ(as_text(*(*record)->key), "k1");
  EXPECT_EQ(as_text(*(*record)->value), "hello");
}

TEST(ProtocolDocument, TheExampleHandshakeIsWhatTheCodeWrites) {
  v1::HandshakeRequest request;
  request.set_client_name("demo");
  request.set_client_software("my-client/1.0");
  EXPECT_EQ(frame_bytes({.api = 1, .version = 1, .correlation = 1}, serialized(request)),
            documented_bytes("handshake-request"));
}

TEST(ProtocolDocument, EachApiIsListedWithItsNumberAndVersions) {
  std::string text;
  for (const std::string& line : document_lines("protocol.md")) text += line + "\n";
  for (const ApiInfo& api : api_table()) {
    const std::string number = std::to_string(static_cast<unsigned>(api.api));
    const std::string versions =
        std::to_string(api.min_version) +
        (api.min_version == api.max_version ? "" : " to " + std::to_string(api.max_version));
    const std::string changes = api.effect == Effect::kChanges ? " yes " : " ";
    const std::regex row("\\| " + number + " \\| \\[?" + std::string(api.name) +
                         "(\\]\\(#handshake\\))? \\|" + changes + "\\| " + versions + " \\|");
    EXPECT_TRUE(std::regex_search(text, row)) << api.name;
  }
}

TEST(ProtocolDocument, TheChecksumVectorsHold) {
  Bytes rising(32);
  for (std::size_t i = 0; i < rising.size(); ++i) rising[i] = static_cast<std::byte>(i);
  const std::vector<std::pair<std::string, Bytes>> vectors = {
      {"(none)", {}},
      {"123456789", {as_bytes("123456789").begin(), as_bytes("123456789").end()}},
      {"32 bytes `00`", Bytes(32)},
      {"32 bytes `ff`", Bytes(32, std::byte{0xff})},
      {"00 01 02 .. 1f", rising}};
  for (const auto& [name, bytes] : vectors) {
    char crc[16];
    std::snprintf(crc, sizeof crc, "`%08x`", record::crc32c(bytes));
    bool found = false;
    for (const std::string& line : document_lines("protocol.md")) {
      found |= line.find(name) != std::string::npos && line.find(crc) != std::string::npos;
    }
    EXPECT_TRUE(found) << name << " " << crc;
  }
}

TEST(ProtocolDocument, TheVarintExamplesHold) {
  for (const std::int64_t value : {0, -1, 1, 63, -64, 64, 300}) {
    std::array<std::byte, kMaxVarintBytes> bytes;
    const std::byte* end = write_zigzag(bytes.data(), value);
    std::string row = "| " + std::to_string(value) + " | `";
    for (const std::byte* b = bytes.data(); b != end; ++b) {
      char hex[8];
      std::snprintf(hex, sizeof hex, "%s%02x", b == bytes.data() ? "" : " ",
                    std::to_integer<unsigned>(*b));
      row += hex;
    }
    EXPECT_THAT(document_lines("protocol.md"), testing::Contains(row + "` |"));
  }
}

}  // namespace
}  // namespace penstock::wire
