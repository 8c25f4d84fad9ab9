package event

// PartitionJob makes room for the events of the months to come.
type PartitionJob struct{}

// Kind names the job in the queue.
func (PartitionJob) Kind() string { return "partition_events" }
