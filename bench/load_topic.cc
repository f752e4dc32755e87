#include "bench/load_topic.h"

#include "base/random.h"

namespace penstock::bench {

Result<BenchTopic> BenchTopic::open(const BenchConfig& config) {
  BenchTopic topic;
  client::ClientConfig client{.bootstrap = config.bootstrap, .client_name = "penstock-bench"};
  PENSTOCK_TRY_ASSIGN(topic.client_, client::Client::open(std::move(client)));
  if (config.topic.empty()) {
    topic.name_ = "penstock-bench-" + Rng(random_seed()).uuid().to_string().substr(0, 12);
    topic.partitions_ = config.partitions;
    auto created = topic.client_->admin().create_topic(
        {.name = topic.name_, .partitions = config.partitions, .settings = {}});
    if (!created) return fail(std::move(created).error().context("create the temporary topic"));
    topic.temporary_ = true;
    return topic;
  }
  topic.name_ = config.topic;
  PENSTOCK_TRY_ASSIGN(const auto described, topic.client_->admin().describe_topics({config.topic}));
  if (described.empty()) return fail(Errc::kUnknownTopic, "no topic '" + config.topic + "'");
  topic.partitions_ = static_cast<std::uint32_t>(described.front().partitions.size());
  return topic;
}

BenchTopic::~BenchTopic() { (void)remove(); }

Result<std::vector<OffsetRange>> BenchTopic::ranges() const {
  PENSTOCK_TRY_ASSIGN(const auto begins,
                      client_->admin().list_offsets(name_, client::StartAt::beginning()));
  PENSTOCK_TRY_ASSIGN(const auto ends,
                      client_->admin().list_offsets(name_, client::StartAt::end()));
  if (begins.size() != ends.size()) {
    return fail(Errc::kInternal, "partitions of '" + name_ + "' appeared meanwhile");
  }
  std::vector<OffsetRange> ranges;
  for (std::size_t i = 0; i < begins.size(); ++i) {
    ranges.push_back({.begin = begins[i].offset, .end = ends[i].offset});
  }
  return ranges;
}

Status BenchTopic::remove() {
  if (!temporary_ || client_ == nullptr) return {};
  temporary_ = false;
  auto deleted = client_->admin().delete_topic(name_);
  if (!deleted) {
    return fail(std::move(deleted).error().context("delete the temporary topic " + name_));
  }
  return {};
}

}  // namespace penstock::bench
