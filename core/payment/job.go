package payment

import "github.com/google/uuid"

// OperateJob is the job that carries out an operation, or looks its answer up.
type OperateJob struct {
	OperationID uuid.UUID `json:"operationId"`
}

// Kind is the job's name in the queue.
func (OperateJob) Kind() string { return "payment_operate" }

// ReconcileJob is the regular job that looks up lost answers of gateways.
type ReconcileJob struct{}

// Kind is the job's name in the queue.
func (ReconcileJob) Kind() string { return "payment_reconcile" }

// ExpireJob is the regular job that gives up orders which were not paid in time.
type ExpireJob struct{}

// Kind is the job's name in the queue.
func (ExpireJob) Kind() string { return "payment_expire" }

// ForgetJob is the regular job that forgets old webhooks.
type ForgetJob struct{}

// Kind is the job's name in the queue.
func (ForgetJob) Kind() string { return "payment_forget" }
