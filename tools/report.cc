#include "tools/report.h"

namespace penstock::tools {

ExitCode exit_code(Errc code) {
  switch (code) {
    case Errc::kOk:
      return ExitCode::kOk;
    case Errc::kInvalidArgument:
      return ExitCode::kUsage;
    case Errc::kConnectFailed:
      return ExitCode::kUnreachable;
    case Errc::kCancelled:
      return ExitCode::kInterrupted;
    default:
      return ExitCode::kFailed;
  }
}

std::optional<std::string> hint(const Error& error) {
  switch (error.code()) {
    case Errc::kConnectFailed:
      return "is the broker running? start one with: penstock up; another address: "
             "--bootstrap=HOST:PORT";
    case Errc::kUnknownTopic:
      return "penstock topic list shows the topics there are; penstock topic create NAME makes one";
    case Errc::kUnknownPartition:
      return "penstock topic describe NAME shows the partitions there are";
    case Errc::kUnknownGroup:
      return "penstock group list shows the groups there are";
    case Errc::kGroupNotEmpty:
      return "stop its members first; penstock group describe GROUP shows them";
    case Errc::kTopicExists:
      return "choose another name, or change it with: penstock topic alter NAME --set "
             "SETTING=VALUE";
    case Errc::kInvalidSetting:
      return "penstock topic describe NAME shows every setting and its value";
    case Errc::kOffsetOutOfRange:
      return "penstock topic describe NAME shows the first and last offset of each partition";
    case Errc::kRecordTooLarge:
    case Errc::kBatchTooLarge:
      return "the topic's limits are its settings max_record_bytes and max_batch_bytes: penstock "
             "topic alter NAME --set max_record_bytes=N,max_batch_bytes=N";
    case Errc::kDiskFull:
      return "free space, or shorten retention: penstock topic alter NAME --set retention_ms=N; "
             "consumers and administration go on meanwhile";
    case Errc::kTimeout:
      return "the outcome is unknown; penstock doctor looks at this machine and the broker";
    case Errc::kConnectionLost:
      return "the outcome is unknown; did the broker stop? its log says why";
    case Errc::kLocked:
      return "stop the other one first: penstock down";
    case Errc::kForeignData:
      return "choose another --data_dir, or move that folder away";
    case Errc::kPermissionDenied:
      return "run as the user that owns the folder, or choose another --data_dir";
    case Errc::kUnsupportedVersion:
      return "penstock and the broker come from builds that are too far apart; update the older "
             "one";
    case Errc::kBadFrame:
    case Errc::kFrameTooLarge:
      return "is that address really a Penstock broker's?";
    default:
      return std::nullopt;
  }
}

std::string failure_text(const Error& error) {
  std::string text = "penstock: " + error.message();
  while (text.ends_with('\n')) text.pop_back();
  // A usage error explains itself, and so does an excerpt (of a log, of a statement): the name of
  // the code would only be noise.
  const bool speaks_for_itself = error.code() == Errc::kInvalidArgument ||
                                 error.code() == Errc::kCancelled ||
                                 text.find('\n') != std::string::npos;
  if (!speaks_for_itself) text += " (" + std::string(info(error.code()).name) + ")";
  text += "\n";
  if (const auto next = hint(error)) text += "hint: " + *next + "\n";
  return text;
}

}  // namespace penstock::tools
