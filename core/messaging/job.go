package messaging

// SendJob is the job that sends one message. The queue holds one for each key.
type SendJob struct {
	Key     string  `json:"key" river:"unique"`
	Message Message `json:"message"`
}

// Kind is the job's name in the queue.
func (SendJob) Kind() string { return "send_message" }
