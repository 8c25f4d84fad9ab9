package sealing

// ResealJob seals anew what older keys sealed, and what never was.
type ResealJob struct{}

// Kind names the job in the queue.
func (ResealJob) Kind() string { return "reseal_personal_data" }
