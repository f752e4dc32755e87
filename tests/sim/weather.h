// Weather: what goes wrong in one simulated life, drawn from its seed.
//
// Swarm testing (Groce et al., 2012): each kind of fault is on or off by a coin, then gets a rate,
// so that lives differ in kind and not only in order. Units: probabilities a message or operation;
// mean seconds of virtual time between two events of a kind, 0 for never.
#pragma once

#include <cstdint>
#include <string>

#include "base/random.h"

namespace penstock::sim {

struct Weather {
  // network
  double loss = 0;
  double duplication = 0;
  std::int64_t min_delay_ns = 0;
  std::int64_t mean_delay_ns = 0;
  double slow_message = 0;  // takes a hundred times as long: reordering
  double partition_every_s = 0;
  double reset_every_s = 0;        // all that is on the way between two nodes is lost
  double garbling = 0;             // one bit of the batches beside a message flips
  double deaf_leader_every_s = 0;  // a leader hears nobody, at times after it handed over
  // processes
  double crash_every_s = 0;          // one node, between two events
  double crash_in_disk_every_s = 0;  // one node, at one of its next disk calls
  double crash_all_every_s = 0;
  double pause_every_s = 0;
  double clock_jump_every_s = 0;
  // disks
  std::int64_t mean_flush_ns = 0;
  double slow_flush = 0;          // takes as long as an election
  double hung_flush = 0;          // takes its time, and leaders come and go meanwhile
  bool late_writes_wait = false;  // a flush saves only what was written before it began
  double disk_full_every_s = 0;
  double disk_error_every_s = 0;  // one call of one node fails
  double cold_reads = 0;          // part of the lives in which nothing is in the page cache
  bool rot = false;               // bits flip in the logs of one node, while it is down
  bool shortened = false;         // ... and at times the last file of one of them is shortened
  bool lost_disk = false;         // one node comes back with an empty disk, under another number
  // operators
  double transfer_every_s = 0;
  double membership_every_s = 0;
  double delete_records_every_s = 0;

  static Weather draw(Rng& rng);
  // What an operator does at random elsewhere is done through the controller.
  Weather administered() const;
  std::string to_string() const;
};

}  // namespace penstock::sim
