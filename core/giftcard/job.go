package giftcard

// ExpireJob is the regular job that writes off what is on cards whose time is over.
type ExpireJob struct{}

// Kind is the job's name in the queue.
func (ExpireJob) Kind() string { return "gift_card_expire" }
