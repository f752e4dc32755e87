#include "broker/group/topic_pattern.h"

#include <string>
#include <utility>

#include "broker/group/limits.h"

namespace penstock::group {
namespace {

using Step = TopicPattern::Step;
using Steps = std::vector<Step>;

std::size_t index_of(char c) { return static_cast<unsigned char>(c); }
std::ptrdiff_t length(const Steps& steps) { return static_cast<std::ptrdiff_t>(steps.size()); }

Step one_of(std::bitset<256> set) { return {.kind = Step::Kind::kOneOf, .set = set}; }
Step fork(std::ptrdiff_t first, std::ptrdiff_t second) {
  return {.kind = Step::Kind::kFork, .set = {}, .first = first, .second = second};
}

Steps then(Steps a, const Steps& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}

Steps either(const Steps& a, const Steps& b) {
  Steps steps{fork(1, length(a) + 2)};
  steps = then(std::move(steps), a);
  steps.push_back(fork(length(b) + 1, length(b) + 1));
  return then(std::move(steps), b);
}

Steps repeated(const Steps& what, char how) {
  if (how == '+') return then(what, {fork(-length(what), 1)});
  if (how == '?') return then({fork(1, length(what) + 1)}, what);
  Steps steps = then({fork(1, length(what) + 2)}, what);
  steps.push_back(fork(-length(what) - 1, -length(what) - 1));
  return steps;
}

// By recursive descent; a pattern is short (kMaxPatternBytes), so that is as deep as it gets.
class Parser {
 public:
  explicit Parser(std::string_view text) : text_(text) {}

  Result<Steps> run() {
    if (text_.empty()) return wrong("is empty");
    if (text_.size() > kMaxPatternBytes) return wrong("is too long");
    if (text_.front() == '^') at_ = 1;
    PENSTOCK_TRY_ASSIGN(Steps steps, alternatives());
    if (!ended() && peek() == '$' && at_ + 1 == text_.size()) ++at_;
    if (!ended()) return wrong("has a ')' too many");
    return steps;
  }

 private:
  bool ended() const { return at_ == text_.size(); }
  char peek() const { return text_[at_]; }
  std::unexpected<Error> wrong(const std::string& what) const {
    return fail(Errc::kInvalidArgument,
                "the pattern '" + std::string(text_.substr(0, kMaxPatternBytes)) + "' " + what +
                    " (at character " + std::to_string(at_ + 1) + ")");
  }

  Result<Steps> alternatives() {
    PENSTOCK_TRY_ASSIGN(Steps steps, sequence());
    while (!ended() && peek() == '|') {
      ++at_;
      PENSTOCK_TRY_ASSIGN(const Steps other, sequence());
      steps = either(steps, other);
    }
    return steps;
  }

  Result<Steps> sequence() {
    Steps steps;
    while (!ended() && peek() != '|' && peek() != ')') {
      if (peek() == '$' && at_ + 1 == text_.size()) break;
      PENSTOCK_TRY_ASSIGN(Steps next, atom());
      while (!ended() && (peek() == '*' || peek() == '+' || peek() == '?')) {
        next = repeated(next, peek());
        ++at_;
      }
      steps = then(std::move(steps), next);
    }
    return steps;
  }

  Result<Steps> atom() {
    const char c = text_[at_++];
    switch (c) {
      case '(': {
        PENSTOCK_TRY_ASSIGN(Steps inner, alternatives());
        if (ended() || peek() != ')') return wrong("lacks a ')'");
        ++at_;
        return inner;
      }
      case '[':
        return set();
      case '.':
        return Steps{one_of(std::bitset<256>().set())};
      case '\\':
        if (ended()) return wrong("ends with a '\\'");
        if (std::isalnum(static_cast<unsigned char>(peek())) != 0) {
          return wrong("has a class by letter; write [0-9] and the like");
        }
        return literal(text_[at_++]);
      case '*':
      case '+':
      case '?':
        return wrong("repeats nothing");
      case '{':
        return wrong("has a count; write the repetition out");
      default:
        return literal(c);
    }
  }

  static Steps literal(char c) { return {one_of(std::bitset<256>().set(index_of(c)))}; }

  // Behind its '['.
  Result<Steps> set() {
    std::bitset<256> members;
    const bool is_inverted = !ended() && peek() == '^';
    if (is_inverted) ++at_;
    for (bool first = true; first || ended() || peek() != ']'; first = false) {
      if (ended()) return wrong("lacks a ']'");
      const char from = text_[at_++];
      char to = from;
      if (at_ + 1 < text_.size() && peek() == '-' && text_[at_ + 1] != ']') {
        to = text_[at_ + 1];
        at_ += 2;
      }
      if (index_of(to) < index_of(from)) return wrong("has a range backwards");
      for (std::size_t one = index_of(from); one <= index_of(to); ++one) members.set(one);
    }
    ++at_;
    return Steps{one_of(is_inverted ? ~members : members)};
  }

  const std::string_view text_;
  std::size_t at_ = 0;
};

}  // namespace

Result<TopicPattern> TopicPattern::parse(std::string_view text) {
  PENSTOCK_TRY_ASSIGN(Steps steps, Parser(text).run());
  return TopicPattern(std::move(steps));
}

// Marks what can be reached from the step without reading on.
void TopicPattern::reach(std::size_t step, std::vector<bool>& reached) const {
  std::vector<std::size_t> open{step};
  while (!open.empty()) {
    const std::size_t at = open.back();
    open.pop_back();
    if (reached[at]) continue;
    reached[at] = true;
    if (at == steps_.size() || steps_[at].kind != Step::Kind::kFork) continue;
    const auto here = static_cast<std::ptrdiff_t>(at);
    open.push_back(static_cast<std::size_t>(here + steps_[at].first));
    open.push_back(static_cast<std::size_t>(here + steps_[at].second));
  }
}

bool TopicPattern::matches(std::string_view name) const {
  std::vector<bool> now(steps_.size() + 1);
  reach(0, now);
  for (const char c : name) {
    std::vector<bool> next(steps_.size() + 1);
    for (std::size_t at = 0; at < steps_.size(); ++at) {
      const bool reads = now[at] && steps_[at].kind == Step::Kind::kOneOf;
      if (reads && steps_[at].set.test(index_of(c))) reach(at + 1, next);
    }
    now = std::move(next);
  }
  return now[steps_.size()];
}

}  // namespace penstock::group
