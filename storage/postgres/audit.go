package postgres

import (
	"context"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/noren-commerce/noren/core/audit"
	"github.com/noren-commerce/noren/core/page"
)

// Audited is one page of the events of the brand and of no brand, newest first: two parts
// of one index, each in the order of the list, so that PostgreSQL merges them.
func (s *Events) Audited(ctx context.Context, brandID uuid.UUID, f audit.Filter, in page.Args) (page.Connection[audit.Entry], error) {
	args := pgx.NamedArgs{"brand": brandID, "none": uuid.Nil}
	where := ``
	narrow := func(condition, name string, value any) {
		where, args[name] = where+` AND `+condition, value
	}
	if f.SubjectID != nil {
		narrow(`subject_id = @subject_id`, "subject_id", *f.SubjectID)
	}
	if f.Subject != nil {
		narrow(`subject = @subject`, "subject", *f.Subject)
	}
	if f.Type != nil {
		narrow(`type = @type`, "type", *f.Type)
	}
	if f.ActorID != nil {
		narrow(`actor_id = @actor`, "actor", *f.ActorID)
	}
	if f.From != nil {
		narrow(`at >= @from`, "from", *f.From)
	}
	if f.To != nil {
		narrow(`at < @to`, "to", *f.To)
	}
	const part, sorted = `(SELECT * FROM events WHERE `, ` ORDER BY at DESC, id DESC)`
	from := `(` + part + `brand_id = @brand` + where + sorted + ` UNION ALL ` + part + `brand_id IS NULL` + where + sorted + `) e`
	return latest(ctx, s.db, in, `e.id, e.at, e.type, coalesce(e.brand_id, @none) AS brand_id, e.subject, e.subject_id, e.actor_role,
		coalesce(e.actor_id, @none) AS actor_id, e.data`, from, `true`, `e.at`, `e.id`, args, func(e audit.Entry) timeKey { return timeKey{e.At, e.ID} })
}
