// Rot: what a disk does to a log while nobody looks: a flipped bit, a sector that was written into
// another one's place, or a last file that ends too early.
//
// It strikes only what the log's checkpoint vouches for. Behind that, in the last moments before a
// power cut, a write that is gone and one that never was complete look the same, and a log has to
// take both for a torn tail (docs/storage_format.md).
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/random.h"
#include "fakes/fake_env.h"

namespace penstock::sim {

// Damages the log in one of the folders; returns the file. None: there is nothing to damage yet.
std::optional<std::string> rot(fakes::FakeEnv& disk, const std::vector<std::string>& log_folders,
                               Rng& rng);

// Ends the last file of one of these logs before the place up to which its checkpoint vouches for
// it. What was behind goes, too, durable or not. None: there is nothing to take yet.
std::optional<std::string> shorten(fakes::FakeEnv& disk,
                                   const std::vector<std::string>& log_folders, Rng& rng);

}  // namespace penstock::sim
