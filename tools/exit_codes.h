// ExitCode: what `penstock` tells the script that called it; printed by every --help.
#pragma once

namespace penstock::tools {

enum class ExitCode : int {
  kOk = 0,
  kFailed = 1,        // the operation failed, or a difference was found
  kUsage = 2,         // the command line makes no sense
  kUnreachable = 3,   // no broker answered
  kAtRisk = 4,        // cluster health: everything serves; one more failure may change that
  kBroken = 5,        // cluster health: a part of the cluster does not serve
  kInterrupted = 130  // Ctrl-C or SIGTERM; what was begun has been brought to an end
};

}  // namespace penstock::tools
