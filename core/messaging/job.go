package messaging

// SendJob is the job that sends one message.
type SendJob struct {
	Message Message `json:"message"`
}

// Kind is the job's name in the queue.
func (SendJob) Kind() string { return "send_message" }
