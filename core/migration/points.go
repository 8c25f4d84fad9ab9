package migration

import (
	"context"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/noren-commerce/noren/core/idempotency"
	"github.com/noren-commerce/noren/core/points"
)

// takingPoints takes rows of opening balances. Each becomes an entry of the ledger against
// the account OPENING, with a lot of its own, once for its key.
type takingPoints struct {
	*taking
	programme points.Programme
}

// balance is what a row brings.
type balance struct {
	key, member, card string // of the member as it stands there, as the members' file has it
	points            int64
	until             *time.Time
	reading           *reading
}

func (t *takingPoints) balanceOf(r *reading) *balance {
	b := &balance{key: r.key(), reading: r}
	b.member, _ = read(r, r.Fields["member"], asKey, nil)
	if f := r.Fields["card"]; f != nil {
		b.card, _ = read(r, f, func(s string) (string, error) { return ReadCard(s, f.Check != "") }, cardDone)
	}
	var said bool
	if b.points, said = read(r, r.Fields["points"], readPoints, nil); !said && !r.failed {
		r.reject(strings.Join(r.Fields["points"].From, "+"), "", because("ポイント数がありません", "There are no points"))
	}
	if day, ok := read(r, r.Fields["expires_on"], t.coming, fromEra); ok {
		b.until = &day
	}
	if b.member == "" && b.card == "" && !r.failed {
		r.reject("", "", because("会員が指定されていません", "The row names no member"))
	}
	return b
}

func readPoints(typed string) (int64, error) {
	digits := strings.NewReplacer(",", "", "pt", "", "P", "", "ポイント", "", " ", "").Replace(folded(typed))
	digits = strings.NewReplacer("−", "-", "▲", "-", "△", "-").Replace(digits)
	n, err := strconv.ParseInt(digits, 10, 64)
	switch {
	case err != nil:
		return 0, because("ポイント数として読めません", "This is not a number of points")
	case n < 0:
		return 0, because("残高がマイナスです", "The balance is below zero")
	case n > points.MaxPoints:
		return 0, because("ポイント数は%dまでです", "There are more than %d points", points.MaxPoints)
	}
	return n, nil
}

// coming reads a last day that is not over.
func (t *takingPoints) coming(typed string) (time.Time, error) {
	day, _, err := ReadDate(typed)
	if err != nil {
		return day, err
	}
	if today := t.at.In(jst); day.Before(on(today.Year(), today.Month(), today.Day())) {
		return day, because("有効期限が過ぎています", "The last day is over")
	}
	return day, nil
}

func (t *takingPoints) batch(ctx context.Context, rows []*reading) (taken, error) {
	var all []*balance
	for _, r := range rows {
		if b := t.balanceOf(r); !r.failed {
			all = append(all, b)
		}
	}
	return taken{write: func(ctx context.Context) (result, error) { return t.write(ctx, all) }}, ctx.Err()
}

func (t *takingPoints) write(ctx context.Context, all []*balance) (result, error) {
	var done result
	var keys, cards []string
	names := make([]Named, len(all))
	for i, b := range all {
		keys, cards, names[i] = append(keys, b.member), append(cards, b.card), Named{"points", b.key, b.reading.line}
	}
	members, err := t.Store.Sources(ctx, t.run.BrandID, t.mapping.Source, keys)
	if err != nil {
		return done, err
	}
	holders, err := t.Store.CardHolders(ctx, cards)
	if err != nil {
		return done, err
	}
	first, err := t.Store.Seen(ctx, t.run.ID, names)
	if err != nil {
		return done, err
	}
	erased, err := t.Store.Erased(ctx, slices.AppendSeq(slices.Collect(maps.Values(members)), maps.Values(holders)))
	if err != nil {
		return done, err
	}
	var postings []points.Posting
	var of []*balance
	for _, b := range all {
		holder := members[b.member]
		if holder == uuid.Nil {
			holder = holders[b.card]
		}
		line := first[Named{"points", b.key, 0}]
		switch {
		case line != b.reading.line:
			b.reading.reject(strings.Join(t.mapping.Key, "+"), b.key, because("キーが%d行目と重複しています", "The key stands in line %d too", line))
		case holder == uuid.Nil:
			b.reading.reject("", b.member+b.card, because("この会員は登録されていません", "Nobody knows this member"))
		case slices.Contains(erased, holder):
			b.reading.reject("", b.member+b.card, because("この会員の個人情報は削除されています", "This member was erased"))
		case b.points == 0:
			done.accepted++
		default:
			of = append(of, b)
			postings = append(postings, points.Posting{
				Holder: points.Holder{ProgrammeID: t.programme.ID, MemberID: holder}, Key: "opening:" + t.mapping.Source + ":" + b.key, Kind: points.Opened,
				Points: b.points, Until: b.until, ActorID: t.actorID(), At: t.at,
			})
		}
	}
	return t.post(ctx, done, of, postings)
}

// post writes the postings down: at once, or, if one of them fails, each for itself.
func (t *takingPoints) post(ctx context.Context, done result, of []*balance, postings []points.Posting) (result, error) {
	if len(postings) == 0 {
		return done, nil
	}
	if !t.apply {
		return t.tried(ctx, done, of, postings)
	}
	results, err := t.Points.Post(ctx, postings...)
	if err != nil && !isFault(err) {
		return done, err
	}
	for i := range postings {
		if err != nil {
			one, failed := t.Points.Post(ctx, postings[i])
			if failed != nil && !isFault(failed) {
				return done, failed
			}
			if failed != nil {
				of[i].reading.reject("", of[i].key, reasonOf(failed))
				continue
			}
			results = append(results[:0:0], one...)
			done.count(results[0].Replayed)
			continue
		}
		done.count(results[i].Replayed)
	}
	return done, nil
}

// tried answers as post would, and writes nothing.
func (t *takingPoints) tried(ctx context.Context, done result, of []*balance, postings []points.Posting) (result, error) {
	posted, err := t.Points.Posted(ctx, postings)
	for i, p := range postings {
		switch moved, before := posted[i]; {
		case before && moved != p.Points:
			of[i].reading.reject("", of[i].key, reasonOf(idempotency.ErrReused))
		default:
			done.count(before)
		}
	}
	return done, err
}

func (r *result) count(replayed bool) {
	if replayed {
		r.repeated++
		return
	}
	r.accepted++
}
