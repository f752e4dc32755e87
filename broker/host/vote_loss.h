// Whether a journal of votes that is not there was lost, or never was.
//
// A broker whose logs have other members gave votes, or may have; without its journal it could give
// another one in the same term. Nothing else on its disk says in which terms it voted, so there is
// no later moment at which it would be safe: it must join anew under another number.
//
// Threads: any; reads the disk, and may wait for it.
#pragma once

#include <string>

#include "base/file.h"
#include "base/result.h"

namespace penstock::broker {

// kCorrupt when a folder below `dir` holds a log that is known, or not known not, to have other
// members. Reads every side file there: only for a start without a journal.
Status check_nobody_voted(Env& env, const std::string& dir);

}  // namespace penstock::broker
