// Takes the place of an opened conversation until the page knows it.

import { goTo } from "../browser/route";
import { t } from "../text/language";
import { BackIcon } from "./more_icons";
import { Skeleton } from "./skeleton";
import "../styles/timeline.css";

export function PaneLoading() {
  return (
    <div class="conversation-pane">
      <section class="conversation-main" aria-label={t().header.conversation} aria-busy="true">
        <header class="pane-header">
          <button type="button" class="icon-button back" data-testid="back" aria-label={t().header.backToList} onClick={() => goTo(undefined)}>
            <BackIcon />
          </button>
        </header>
        <div class="timeline">
          <div class="timeline-content">
            <Skeleton kind="messages" count={6} testid="pane-loading" />
          </div>
        </div>
      </section>
    </div>
  );
}
