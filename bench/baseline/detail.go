package main

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/google/uuid"

	"github.com/noren-commerce/noren/core/catalog"
	"github.com/noren-commerce/noren/core/inventory"
	"github.com/noren-commerce/noren/core/pricing"
)

type option struct {
	Name   string   `json:"name"`
	Values []string `json:"values"`
}

type step struct {
	Rule    pricing.Rule `json:"rule"`
	Label   string       `json:"label"`
	Change  bare         `json:"change"`
	Running bare         `json:"running"`
}

type detailPrice struct {
	price
	Breakdown []step `json:"breakdown"`
}

type detailVariant struct {
	ID           string                 `json:"id"`
	SKU          string                 `json:"sku"`
	Barcode      string                 `json:"barcode"`
	Options      []string               `json:"options"`
	Weight       int                    `json:"weight"`
	Availability inventory.Availability `json:"availability"`
	Promise      *string                `json:"promise"`
	SaleTerms    *struct{}              `json:"saleTerms"`
	Set          *struct{}              `json:"set"`
	Price        *detailPrice           `json:"price"`
}

type detailProduct struct {
	ID             string          `json:"id"`
	Slug           string          `json:"slug"`
	Name           string          `json:"name"`
	Description    string          `json:"description"`
	SEOTitle       string          `json:"seoTitle"`
	SEODescription string          `json:"seoDescription"`
	Tags           []string        `json:"tags"`
	Options        []option        `json:"options"`
	PriceRange     *span           `json:"priceRange"`
	Variants       []detailVariant `json:"variants"`
}

func (s *server) detail(w http.ResponseWriter, r *http.Request) {
	p, err := s.catalog.ProductBySlug(r.Context(), catalog.Glance{ChannelID: s.channel.ID, At: time.Now()}, r.URL.Query().Get("slug"))
	if err == nil && p == nil {
		err = errors.New("no such product")
	}
	if err != nil {
		fail(w, err)
		return
	}
	around, err := s.show(r, []catalog.Product{*p}, true)
	if err != nil {
		fail(w, err)
		return
	}
	keys := make([]uuid.UUID, 0, len(around.variants[p.ID]))
	for _, v := range around.variants[p.ID] {
		keys = append(keys, v.ID)
	}
	if err := s.plain(r.Context(), keys); err != nil {
		fail(w, err)
		return
	}
	out := detailProduct{
		ID: p.GlobalID(), Slug: p.Slug, Name: p.Name.In("ja"), Description: p.Description.In("ja"),
		SEOTitle: p.SEOTitle.In("ja"), SEODescription: p.SEODescription.In("ja"), Tags: p.Tags, PriceRange: s.span(around, p.ID),
	}
	for _, o := range p.Options {
		out.Options = append(out.Options, option{o.Name.In("ja"), o.Values})
	}
	for _, v := range around.variants[p.ID] {
		shown := detailVariant{
			ID: v.GlobalID(), SKU: v.SKU, Barcode: v.Barcode, Options: v.Options, Weight: v.Weight,
			Availability: inventory.AvailabilityOf(around.free[v.ID]),
		}
		if base := s.price(around, v.ID); base != nil {
			minor := around.prices[v.ID].Amount
			shown.Price = &detailPrice{*base, []step{{pricing.RuleBasePrice, "通常価格", s.bare(minor), s.bare(minor)}}}
		}
		out.Variants = append(out.Variants, shown)
	}
	answer(w, "product", out)
}

// plain asks what noren asks of every variant, and fails if one is sold in any special way:
// the products that are measured are not.
func (s *server) plain(ctx context.Context, variants []uuid.UUID) error {
	terms, err := s.sales.Terms(ctx, variants)
	if err != nil {
		return err
	}
	sets, err := s.sales.Sets(ctx, variants)
	if err == nil && len(terms)+len(sets) > 0 {
		err = errors.New("the products that are measured have neither terms of sale nor parts")
	}
	return err
}
