// Runs a scenario: a conversation with a few Groups, written as text, with what came of it.
//
// Format of a script. Paragraphs are separated by empty lines. A paragraph is comments (#),
// commands one a line, and, when "----" follows them, what they led to:
//
//   tick n2 1500
//   deliver n2->n3 type=prevote
//   ----
//   n2 is precandidate t0
//   n2 -> n1 prevote …
//
// Without "----" a paragraph is carried out in silence: for the way to the story. There a command
// that is refused, other than in `expect refused`, fails the scenario. PENSTOCK_REWRITE=1 writes
// what happens into the files; what `expect` says and what scenario_safety.h checks after every
// step cannot be rewritten. A file begins with a comment that says what it guards against, and ends
// with a paragraph of `expect`.
//
// Disks are slow and messages do not move: both wait for a command. A node is n1, a list n1,n2.
//
//   the cast
//     options name=value …           of nodes that come after; names as in options.h
//     nodes N [learners=L]           n1 to nN, all voters of an empty log but the last L
//     node n4 [voters=1,2] [learners=3] [log=t1:5,t2:3] [start=t1@20] [term=T vote=V] [bytes=B]
//                                    one node with a past: 5 one-record batches of term 1, …
//   time (each node has its own clock)
//     tick n1,n2 750                 passes, and the timer is looked at
//     later n1 750                   passes, and the timer is not looked at
//     run 2000                       all clocks and timers, and everything in between
//   messages: FILTER is [n1->n2 | *->n2 | n1->*] [type=a,b] [term=T] [nth=K | last=1]; types are
//   prevote prevote-reply vote vote-reply append heartbeat append-reply install install-reply
//   timeout-now
//     deliver FILTER                 what matches now, in order of sending
//     drop FILTER, dup FILTER        a duplicate comes last
//     hold FILTER, release           stabilize and run leave them where they are
//     cut n1 n2,n3                   both ways; what crosses is lost on arrival
//     cut n1->n2                     one way
//     heal                           all links
//     messages [FILTER]              lists what is under way
//     inject n1->n2 TYPE field=…     arrives now, whoever n1 is: term= log=T,END transfer=1
//                                    granted=1 accepted=1 durable= hint=T,END round= prev=T,END
//                                    range=B,E runs=T@B,… commit= bytes= start=T,END voters=
//   disks
//     save n1                        the hard state and a reset; save n1 oldest=1: the first of
//                                    several states
//     flush n1 [until=7]             the log, with cuts
//     flush-begin n1, flush-end n1   what was there at the begin is durable at the end
//     writes n1 fail|work            of the log; control batches are written when they work again
//     reads n1 hold|serve            batches for followers
//     resets n1 hold|work            save does not carry resets out
//     crash n1,n2, restart n1,n2     what is not durable is gone, a cut that is not comes undone
//     damage n1 until=30 [keep=20]   found while it runs; or records from 20 on are lost, restart
//     repaired n1
//     log-start n1 20                its retention removes what is below
//   requests
//     campaign n1, step-down n1, elect n1 (time passes for the others, then all is carried out)
//     propose n1 [count=5] [bytes=500] [batches=3]
//     membership n1 voters=1,2,3 [learners=4]
//     transfer n1 n2
//     read-index n1 7
//     install-failed n1 n3
//     stabilize [n1,n2]              saves, flushes and delivers until nothing is left to do
//   looking
//     status, log n1, peers n1
//     expect [not] QUESTION …        see scenario_expect.cc, one comment a question
//     expect refused NotReady COMMAND …
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "tests/broker/raft/scenario_cluster.h"

namespace penstock::raft {

struct ScenarioResult {
  std::string text;  // the script with what really happened
  std::vector<std::string> failures;
  int commands = 0;
};

ScenarioResult run_scenario(std::string_view script);

}  // namespace penstock::raft
