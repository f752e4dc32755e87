// The one table of error codes: everything that can go wrong in Penstock, on the wire and in
// process.
//
// Invariants: a number is never reused or changed once released; protocol/wire's protobuf enum is
// checked equal to this table by a test, and docs/ERRORS.md is generated from it.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

namespace penstock {

// X(name, wire number, retry, outcome, meaning)
//   retry    kRetry: the same request may succeed later; kFinal: it will fail again unchanged.
//   outcome  kNotDone: the operation definitely had no effect; kMaybeDone: it may have been carried
//   out.
#define PENSTOCK_ERRC_TABLE(X)                                                                     \
  X(Ok, 0, Final, NotDone, "success")                                                              \
  X(Internal, 1, Final, MaybeDone, "a bug in Penstock; please report it with the log line")        \
  X(InvalidArgument, 2, Final, NotDone, "a parameter or setting is outside its documented range")  \
  X(Unsupported, 3, Final, NotDone, "this build or protocol version does not offer the operation") \
  X(Cancelled, 4, Final, MaybeDone, "the caller gave the operation up")                            \
  X(Timeout, 5, Retry, MaybeDone, "the deadline passed before an answer came")                     \
  X(Overloaded, 6, Retry, NotDone, "a named limit on memory or concurrency is reached; back off")  \
  X(ShuttingDown, 7, Retry, NotDone, "the process is draining and takes no new work")              \
  X(NotFound, 8, Final, NotDone, "a file or object does not exist")                                \
  X(AlreadyExists, 9, Final, NotDone, "something of that name exists already")                     \
  X(WouldBlock, 10, Retry, NotDone,                                                                \
    "the data is not in memory; ask again where blocking is allowed")                              \
  X(IoError, 20, Final, MaybeDone, "the operating system reported a failed read or write")         \
  X(DiskFull, 21, Retry, NotDone, "no space is left for new records; free space and retry")        \
  X(FsyncFailed, 22, Final, MaybeDone,                                                             \
    "a flush to disk failed; data in memory is no longer trusted")                                 \
  X(Corrupt, 23, Final, NotDone, "stored bytes fail their checksum below the durable watermark")   \
  X(ForeignData, 24, Final, NotDone,                                                               \
    "the data directory belongs to another node, cluster or version")                              \
  X(Locked, 25, Final, NotDone, "another process holds the data directory")                        \
  X(PermissionDenied, 26, Final, NotDone, "the operating system denies access")                    \
  X(BadFrame, 40, Final, NotDone,                                                                  \
    "bytes that are no frame of the protocol; the connection is closed")                           \
  X(FrameTooLarge, 41, Final, NotDone, "a frame's declared length is over the limit")              \
  X(UnsupportedVersion, 42, Final, NotDone, "peer and this side share no version of that API")     \
  X(ConnectionLost, 43, Retry, MaybeDone, "the connection closed while the request was under way") \
  X(ConnectFailed, 44, Retry, NotDone, "no connection could be made to the address")               \
  X(HandshakeRequired, 45, Final, NotDone, "the first request on a connection must be Handshake")  \
  X(UnknownTopic, 60, Final, NotDone, "no such topic")                                             \
  X(UnknownPartition, 61, Final, NotDone, "the topic has no partition of that number")             \
  X(TopicExists, 62, Final, NotDone, "a topic of that name exists already")                        \
  X(InvalidTopicName, 63, Final, NotDone,                                                          \
    "names are 1 to 249 of letters, digits, '.', '_' and '-', and neither '.' nor '..'")           \
  X(InvalidSetting, 64, Final, NotDone, "a topic setting is unknown or out of its range")          \
  X(OffsetOutOfRange, 65, Final, NotDone, "the offset is before the log start or after its end")   \
  X(RecordTooLarge, 66, Final, NotDone, "a record is over the topic's limit")                      \
  X(BatchTooLarge, 67, Final, NotDone, "a batch is over the topic's limit")                        \
  X(InvalidBatch, 68, Final, NotDone, "a record batch is malformed")                               \
  X(BadChecksum, 69, Final, NotDone, "a record batch fails its CRC-32C")                           \
  X(UnsupportedCompression, 70, Final, NotDone, "the codec is unknown or refused by the topic")    \
  X(NotLeader, 71, Retry, NotDone, "this broker does not lead the partition")                      \
  X(StaleEpoch, 72, Retry, NotDone, "the request carries an old leader epoch; refresh metadata")   \
  X(PartitionDamaged, 73, Final, NotDone,                                                          \
    "the partition holds damaged records and refuses new ones until it is repaired")               \
  X(DecompressionLimit, 74, Final, NotDone,                                                        \
    "decompressed bytes exceed the absolute or ratio limit")                                       \
  X(NotReady, 75, Retry, NotDone,                                                                  \
    "the leader is taking over or handing over; ask again in a moment")                            \
  X(ChangeInProgress, 76, Retry, NotDone,                                                          \
    "another change of the replicas is under way; wait for its end")                               \
  X(NotCaughtUp, 77, Retry, NotDone,                                                               \
    "a replica must be a learner that keeps up before it may vote")                                \
  X(UnknownBroker, 78, Final, NotDone, "the cluster has no broker of that number")                 \
  X(NotEnoughBrokers, 79, Final, NotDone,                                                          \
    "fewer brokers are in service than replicas are asked for")                                    \
  X(OutOfOrderSequence, 80, Retry, NotDone,                                                        \
    "batches of this producer that come before this one are not in the log; send those first")     \
  X(ProducerFenced, 81, Final, NotDone,                                                            \
    "a newer producer of the same name has taken over; this one must stop")                        \
  X(UnknownProducer, 82, Final, NotDone,                                                           \
    "the partition has forgotten the producer; begin a new epoch, not the batch again")            \
  X(DuplicateSequence, 83, Final, MaybeDone,                                                       \
    "the records are in the log already; their offsets are no longer known")                       \
  X(KeyRequired, 84, Final, NotDone,                                                               \
    "a record without a key; the topic is compacted, and keeps the latest record of each key")     \
  X(Mismatch, 90, Final, NotDone, "two copies that must be equal are not")                         \
  X(SqlError, 91, Final, NotDone, "the SQL engine refused the statement")                          \
  X(UnknownGroup, 100, Final, NotDone, "there is no consumer group of that name")                  \
  X(GroupNotEmpty, 101, Final, NotDone,                                                            \
    "the group has members; positions can be set or deleted from outside when they have left")     \
  X(UnknownMember, 102, Final, NotDone,                                                            \
    "the member was declared dead or never joined; let go of everything and join anew")            \
  X(StaleMemberEpoch, 103, Retry, NotDone,                                                         \
    "the member was given another assignment meanwhile; take it from a heartbeat and ask again")   \
  X(NotOwner, 104, Final, NotDone, "the member does not own a partition that it commits for")      \
  X(InstanceInUse, 105, Retry, NotDone,                                                            \
    "a live member has that instance id; it must leave or be declared dead first")

enum class Errc : std::uint16_t {
#define PENSTOCK_ERRC_ENUM(name, number, retry, outcome, meaning) k##name = number,
  PENSTOCK_ERRC_TABLE(PENSTOCK_ERRC_ENUM)
#undef PENSTOCK_ERRC_ENUM
};

enum class Retry : std::uint8_t { kFinal, kRetry };
enum class Outcome : std::uint8_t { kNotDone, kMaybeDone };

struct ErrcInfo {
  Errc code;
  std::string_view name;
  std::uint16_t number;
  Retry retry;
  Outcome outcome;
  std::string_view meaning;
};

// All rows in order of their numbers.
std::span<const ErrcInfo> errc_table();

// The row of `code`; for a number that this build does not know, the row of kInternal.
const ErrcInfo& info(Errc code);

// The code of a number that came over the wire; unknown numbers become kInternal.
Errc errc_from_wire(std::uint32_t number);

}  // namespace penstock
