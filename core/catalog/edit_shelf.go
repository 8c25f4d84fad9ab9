package catalog

import (
	"context"
	"errors"

	"github.com/google/uuid"

	"github.com/noren-commerce/noren/core/channel"
	"github.com/noren-commerce/noren/core/fault"
	"github.com/noren-commerce/noren/core/i18n"
	"github.com/noren-commerce/noren/core/id"
)

// maxDepth bounds the tree of categories.
const maxDepth = 8

// Find is the category with the id among the rows of a tree; nil if it is not there.
func Find(tree []Category, categoryID uuid.UUID) *Category {
	for i := range tree {
		if tree[i].ID == categoryID {
			return &tree[i]
		}
	}
	return nil
}

// Path are the categories from the top down to the one with the id (パンくず).
func Path(tree []Category, categoryID uuid.UUID) []Category {
	path := []Category{}
	for c := Find(tree, categoryID); c != nil && len(path) <= len(tree); {
		path = append([]Category{*c}, path...)
		if c.ParentID == nil {
			break
		}
		c = Find(tree, *c.ParentID)
	}
	return path
}

// Children are the categories right below the one with the id.
func Children(tree []Category, categoryID uuid.UUID) []Category {
	children := []Category{}
	for _, c := range tree {
		if c.ParentID != nil && *c.ParentID == categoryID {
			children = append(children, c)
		}
	}
	return children
}

// SaveCategoryInput makes a category, or changes the one with the id.
type SaveCategoryInput struct {
	ID          *uuid.UUID
	Slug        string
	Name        i18n.Text
	Description i18n.Text
	ParentID    *uuid.UUID // only for a new one; MoveCategory moves
	Position    int
}

// Validate checks the category by itself.
func (in SaveCategoryInput) Validate() error {
	return errors.Join(checkSlug("slug", in.Slug), checkText("name", in.Name, maxName, true), checkText("description", in.Description, maxDescription, false))
}

// SaveCategory makes or changes a category.
func (e *Editor) SaveCategory(ctx context.Context, in SaveCategoryInput) (*Category, error) {
	return e.shelve(ctx, in, "category.saved", func(tree []Category) (*Category, error) {
		c := &Category{ID: id.New(), BrandID: channel.From(ctx).BrandID, ParentID: in.ParentID}
		if in.ID != nil {
			if c = Find(tree, *in.ID); c == nil {
				return nil, fault.ErrNotFound.At("id")
			}
		} else if in.ParentID != nil && Find(tree, *in.ParentID) == nil {
			return nil, ErrNoCategory.At("parentId")
		}
		changed := *c
		changed.Slug, changed.Name, changed.Description, changed.Position = in.Slug, in.Name, orEmpty(in.Description), in.Position
		return &changed, nil
	})
}

// MoveCategoryInput moves a category, with all below it.
type MoveCategoryInput struct {
	ID       uuid.UUID
	ParentID *uuid.UUID // nil for the top
	Position int
}

// Validate has nothing to check.
func (in MoveCategoryInput) Validate() error { return nil }

// MoveCategory moves a category below another, or to the top; never below itself.
func (e *Editor) MoveCategory(ctx context.Context, in MoveCategoryInput) (*Category, error) {
	return e.shelve(ctx, in, "category.moved", func(tree []Category) (*Category, error) {
		c := Find(tree, in.ID)
		if c == nil {
			return nil, fault.ErrNotFound.At("id")
		}
		if in.ParentID != nil {
			path := Path(tree, *in.ParentID)
			if len(path) == 0 {
				return nil, ErrNoCategory.At("parentId")
			}
			if Find(path, in.ID) != nil {
				return nil, ErrCycle.At("parentId")
			}
		}
		moved := *c
		moved.ParentID, moved.Position = in.ParentID, in.Position
		return &moved, nil
	})
}

// shelve changes one category while the brand's tree stands still, and reads anew
// what stands on it: products are found by the names of the shelves above them.
func (e *Editor) shelve(ctx context.Context, in interface{ Validate() error }, eventType string, f func(tree []Category) (*Category, error)) (*Category, error) {
	var saved *Category
	err := e.write(ctx, in, func(ctx context.Context) error {
		brandID := channel.From(ctx).BrandID
		if err := e.store.LockCategories(ctx, brandID); err != nil {
			return err
		}
		tree, err := e.store.Categories(ctx, brandID)
		if err != nil {
			return err
		}
		c, err := f(tree)
		if err != nil {
			return err
		}
		if c.ParentID != nil && len(Path(tree, *c.ParentID)) >= maxDepth {
			return ErrTooMany.With(maxDepth).At("parentId")
		}
		saved = c
		before := Find(tree, c.ID)
		if err := errors.Join(e.store.SaveCategory(ctx, *c), e.record(ctx, eventType, "Category", c.ID, before, c)); err != nil {
			return err
		}
		if before == nil {
			return e.index.Shelves(ctx, c.ID)
		}
		products, err := e.store.ProductsBelow(ctx, []uuid.UUID{c.ID})
		return errors.Join(err, e.index.Shelves(ctx, c.ID), e.index.Products(ctx, products...))
	})
	return saved, err
}

// DeleteCategory removes a category on which nothing stands.
func (e *Editor) DeleteCategory(ctx context.Context, in ProductInput) error {
	return e.write(ctx, in, func(ctx context.Context) error {
		brandID := channel.From(ctx).BrandID
		if err := e.store.LockCategories(ctx, brandID); err != nil {
			return err
		}
		tree, err := e.store.Categories(ctx, brandID)
		if err != nil {
			return err
		}
		c := Find(tree, in.ID)
		if c == nil {
			return fault.ErrNotFound.At("id")
		}
		deleted, err := e.store.DeleteCategory(ctx, brandID, in.ID)
		if err == nil && !deleted {
			err = ErrCategoryUsed.At("id")
		}
		return errors.Join(err, e.record(ctx, "category.deleted", "Category", c.ID, c, nil))
	})
}

// SaveBrandInput makes a product brand, or changes the one with the id.
type SaveBrandInput struct {
	ID       *uuid.UUID
	Slug     string
	Name     i18n.Text
	Position int
}

// Validate checks the brand by itself.
func (in SaveBrandInput) Validate() error {
	return errors.Join(checkSlug("slug", in.Slug), checkText("name", in.Name, maxName, true))
}

// SaveBrand makes or changes a product brand.
func (e *Editor) SaveBrand(ctx context.Context, in SaveBrandInput) (*ProductBrand, error) {
	var saved *ProductBrand
	err := e.write(ctx, in, func(ctx context.Context) error {
		b := ProductBrand{ID: id.New(), BrandID: channel.From(ctx).BrandID, Slug: in.Slug, Name: in.Name, Position: in.Position}
		var before *ProductBrand
		if in.ID != nil {
			found, err := e.store.BrandsByID(ctx, b.BrandID, []uuid.UUID{*in.ID})
			if err != nil {
				return err
			}
			if len(found) == 0 {
				return fault.ErrNotFound.At("id")
			}
			before, b.ID = &found[0], *in.ID
		}
		saved = &b
		if err := errors.Join(e.store.SaveBrand(ctx, b), e.record(ctx, "product_brand.saved", "ProductBrand", b.ID, before, b)); err != nil {
			return err
		}
		products, err := e.store.ProductsOfBrand(ctx, b.ID)
		return errors.Join(err, e.index.Shelves(ctx, b.ID), e.index.Products(ctx, products...))
	})
	return saved, err
}

// SaveSynonymInput makes a rule of other words, or changes the one with the id.
type SaveSynonymInput struct {
	ID      *uuid.UUID
	Sources []string // with sources, only they find the words
	Words   []string
}

// Validate checks the rule by itself.
func (in SaveSynonymInput) Validate() error {
	all := []error{checkCount("words", len(in.Words)), checkCount("sources", len(in.Sources))}
	if len(in.Words) == 0 || (len(in.Sources) == 0 && len(in.Words) < 2) {
		all = append(all, fault.ErrRequired.At("words"))
	}
	for _, w := range append(append([]string{}, in.Words...), in.Sources...) {
		if w == "" {
			all = append(all, fault.ErrRequired.At("words"))
		}
		all = append(all, checkLength("words", w, 50))
	}
	return errors.Join(all...)
}

// SaveSynonym makes or changes a rule of other words.
func (e *Editor) SaveSynonym(ctx context.Context, in SaveSynonymInput) (*Synonym, error) {
	s := Synonym{ID: id.New(), BrandID: channel.From(ctx).BrandID, Sources: orNone(in.Sources), Words: in.Words}
	set(&s.ID, in.ID)
	err := e.write(ctx, in, func(ctx context.Context) error {
		return errors.Join(e.store.SaveSynonym(ctx, s), e.record(ctx, "synonym.saved", "Brand", s.BrandID, nil, s))
	})
	return &s, err
}

// DeleteSynonym removes a rule of other words.
func (e *Editor) DeleteSynonym(ctx context.Context, in ProductInput) error {
	return e.write(ctx, in, func(ctx context.Context) error {
		brandID := channel.From(ctx).BrandID
		deleted, err := e.store.DeleteSynonym(ctx, brandID, in.ID)
		if err == nil && deleted == nil {
			err = fault.ErrNotFound.At("id")
		}
		return errors.Join(err, e.record(ctx, "synonym.deleted", "Brand", brandID, deleted, nil))
	})
}
