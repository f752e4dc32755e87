// StartReserve: a little space on the disk that only a start may use, so that a broker starts, is
// read and makes room on a disk that somebody else has filled to the last byte.
//
// A broker that decides alone begins each life with a record of metadata, and others may have to
// write small files. Invariants: the space is given back before anything is opened, and taken
// again once the broker serves; on a disk with little room as much as there is. Threads: blocking;
// one caller at a time. Failure: none: without a reserve, a start on a full disk says DiskFull.
#pragma once

#include <string>

#include "base/file.h"

namespace penstock::broker {

class StartReserve {
 public:
  StartReserve(Env& env, std::string file) : env_(env), file_(std::move(file)) {}

  // At start.
  void give_back();
  // Nothing is done while it is there; to be repeated until there is room.
  void take();

 private:
  Env& env_;
  const std::string file_;
  bool taken_ = false;
};

}  // namespace penstock::broker
