#include "tests/broker/raft/scenario_runner.h"

#include "tests/broker/raft/scenario_commands.h"

namespace penstock::raft {
namespace {

struct Paragraph {
  std::vector<std::string> lines;  // commands and comments
  bool is_shown = false;           // what the commands lead to stands below "----"
};

bool is_comment(const std::string& line) { return line.starts_with('#'); }

std::vector<Paragraph> read_paragraphs(std::string_view script) {
  std::vector<Paragraph> paragraphs(1);
  while (!script.empty()) {
    const std::size_t end = std::min(script.find('\n'), script.size());
    const std::string line(script.substr(0, end));
    script.remove_prefix(std::min(end + 1, script.size()));
    Paragraph& current = paragraphs.back();
    if (line.empty()) {
      if (!current.lines.empty()) paragraphs.emplace_back();
    } else if (line == "----") {
      current.is_shown = true;
    } else if (!current.is_shown) {
      current.lines.push_back(line);
    }
  }
  if (paragraphs.back().lines.empty()) paragraphs.pop_back();
  return paragraphs;
}

class Run {
 public:
  explicit Run(const std::vector<Paragraph>& paragraphs) {
    for (const Paragraph& paragraph : paragraphs) {
      if (!result_.text.empty()) result_.text += "\n";
      run(paragraph);
    }
    cluster_.safety().check_faults();
    collect_failures("at the end");
    check_form(paragraphs);
  }
  ScenarioResult take_result() { return std::move(result_); }

 private:
  void run(const Paragraph& paragraph) {
    for (const std::string& line : paragraph.lines) result_.text += line + "\n";
    if (paragraph.is_shown) result_.text += "----\n";
    std::string told;
    for (const std::string& line : paragraph.lines) {
      if (is_comment(line)) continue;
      ++result_.commands;
      run(line, paragraph.is_shown);
      for (const std::string& what : cluster_.trace().take_lines()) told += what + "\n";
    }
    if (paragraph.is_shown) result_.text += told.empty() ? "ok\n" : told;
  }

  void run(const std::string& line, bool may_be_refused) {
    ScenarioArguments arguments(line);
    using enum ScenarioTrace::Detail;
    const bool runs_on =
        arguments.verb() == "stabilize" || arguments.verb() == "run" || arguments.verb() == "elect";
    cluster_.trace().set_detail(runs_on ? kEvents : kMessages);
    if (arguments.verb() == "expect" && arguments.peek() == "refused") {
      expect_refused(arguments);
    } else if (const Status done = carry_out(arguments, cluster_); !done) {
      const std::string refused(info(done.error().code()).name);
      cluster_.trace().event("refused " + refused);
      if (!may_be_refused) cluster_.trace().failure("refused: " + done.error().to_string());
    }
    for (const std::string& problem : arguments.problems()) cluster_.trace().failure(problem);
    collect_failures(line);
  }

  // expect refused NotLeader propose n2 count=1
  void expect_refused(ScenarioArguments& arguments) {
    arguments.word("refused");
    const std::string wanted = arguments.word("code");
    ScenarioArguments command(arguments.rest());
    const Status done = carry_out(command, cluster_);
    const std::string found(done ? "Ok" : info(done.error().code()).name);
    if (found != wanted) cluster_.trace().failure("it is not refused so; found: " + found);
    for (const std::string& problem : command.problems()) arguments.problem(problem);
  }

  void collect_failures(const std::string& line) {
    for (const std::string& failure : cluster_.trace().take_failures()) {
      result_.failures.push_back(line + ": " + failure);
    }
  }

  void check_form(const std::vector<Paragraph>& paragraphs) {
    if (paragraphs.empty() || !is_comment(paragraphs.front().lines.front())) {
      result_.failures.emplace_back("no comment says what the scenario guards against");
    }
    if (paragraphs.empty() || !paragraphs.back().lines.back().starts_with("expect ")) {
      result_.failures.emplace_back("the scenario does not end with what it expects");
    }
  }

  ScenarioCluster cluster_;
  ScenarioResult result_;
};

}  // namespace

ScenarioResult run_scenario(std::string_view script) {
  return Run(read_paragraphs(script)).take_result();
}

}  // namespace penstock::raft
