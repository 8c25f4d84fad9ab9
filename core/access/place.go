package access

import (
	"context"
	"slices"

	"github.com/google/uuid"

	"github.com/noren-commerce/noren/core/fault"
)

// WorksAt reports whether the context's actor may act at the location: staff of a shop
// only at their own.
func WorksAt(ctx context.Context, locationID uuid.UUID) bool {
	actor := From(ctx)
	return !actor.Is(RoleStoreStaff) || slices.Contains(actor.Stores, locationID)
}

// RequireAt fails with fault.ErrForbidden unless the context's actor holds the permission
// and may act at the location.
func RequireAt(ctx context.Context, p Permission, locationID uuid.UUID) error {
	if !WorksAt(ctx, locationID) {
		return fault.ErrForbidden
	}
	return Require(ctx, p)
}

// RequireEverywhere fails with fault.ErrForbidden unless the context's actor holds the
// permission for the whole brand, which staff of a shop never do.
func RequireEverywhere(ctx context.Context, p Permission) error {
	if From(ctx).Is(RoleStoreStaff) {
		return fault.ErrForbidden
	}
	return Require(ctx, p)
}

// StoresOf are the shops to which what the context's actor reads is narrowed; narrowed is
// false for whoever may read of them all.
func StoresOf(ctx context.Context) (stores []uuid.UUID, narrowed bool) {
	actor := From(ctx)
	return actor.Stores, actor.Is(RoleStoreStaff)
}
