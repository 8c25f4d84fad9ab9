package resolvers_test

import (
	"testing"

	"github.com/noren-commerce/noren/cmd/noren/app/apptest"
	"github.com/noren-commerce/noren/core/id"
)

// segmentOperations are those that search members and keep searches.
var segmentOperations = map[string]clientOperation{
	"admin/MemberSearch": {8, asked(func(t *testing.T, w *world) apptest.Variables {
		for range w.size {
			w.guest(t, "09011112222")
		}
		return apptest.Variables{"where": anybody}
	})},
	"admin/Segments": {1, asked(func(t *testing.T, w *world) apptest.Variables { w.segment(t); return nil })},
	"admin/SegmentDetail": {9, asked(func(t *testing.T, w *world) apptest.Variables {
		for range w.size {
			w.guest(t, "09011112222")
		}
		return apptest.Variables{"id": w.segment(t)}
	})},
	"admin/SaveSegment": {8, input(func(_ *testing.T, w *world) apptest.Variables { return w.search() })},
	"admin/RenameSegment": {5, input(func(t *testing.T, w *world) apptest.Variables {
		return apptest.Variables{"segmentId": w.segment(t), "name": "S" + id.New().String()}
	})},
	"admin/RefreshSegment": {8, input(func(t *testing.T, w *world) apptest.Variables { return apptest.Variables{"segmentId": w.segment(t)} })},
	"admin/CloseSegment":   {6, input(func(t *testing.T, w *world) apptest.Variables { return apptest.Variables{"segmentId": w.segment(t)} })},
	"admin/ExportSegment": {5, input(func(t *testing.T, w *world) apptest.Variables {
		return apptest.Variables{"segmentId": w.segment(t), "format": "CSV"}
	})},
}

var anybody = apptest.Variables{"genders": []string{"UNSAID", "FEMALE"}}

func (w *world) search() apptest.Variables {
	return apptest.Variables{"name": "S" + id.New().String(), "kind": "DYNAMIC", "where": anybody}
}

// segment is a dynamic segment that was saved.
func (w *world) segment(t *testing.T) string {
	t.Helper()
	w.office(t)
	return w.made(t, "saveSegment", "segment", w.search())
}
