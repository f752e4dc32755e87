// What the settings of a topic mean to its partitions: one pure translation.
#pragma once

#include "broker/controller/topic_settings.h"
#include "broker/partition/partition.h"

namespace penstock::broker {

PartitionRules partition_rules(const TopicSettings& settings);

}  // namespace penstock::broker
