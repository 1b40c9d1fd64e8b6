"""Registry: triggers are written down, changed, enabled and paused, and what that begins at once is begun."""

from datetime import datetime

from headrace import errors, vault
from headrace.engine import maker, scheduler
from headrace.engine.maker import Maker
from headrace.model import firing
from headrace.model.firing import Decision
from headrace.model.trigger import Definition, Trigger
from headrace.store import Store
from headrace.store.creating import NewRun
from headrace.store.triggers import Label, Sealed, Standing
from headrace.vault import Vault

TRIES = 5  # times that a trigger which others change at the same time is looked at anew


class Registry:
    def __init__(self, store: Store, maker: Maker, vault: Vault) -> None:
        self._store = store
        self._maker = maker
        self._vault = vault

    def create(
        self,
        pipeline_id: int,
        definition: Definition,
        at: datetime,
        *,
        active: bool,
        in_code: bool = False,
        token: str | None = None,
    ) -> Trigger:
        """A new trigger, with that token or a new one. Raises TriggerExists, BadSchedule.

        BadInput for a pipeline that cannot be run, where it is to run at once.
        """
        found = firing.enabled(definition, at, has_runs=False) if active else Decision()
        return self._store.triggers.create(
            pipeline_id,
            definition,
            self._seal(token or vault.new_token()),
            Standing(found.considered, found.due_at),
            at,
            active=active,
            in_code=in_code,
            begins=self._begins(pipeline_id, definition, found, at),
        )

    def change(
        self,
        trigger_id: int,
        definition: Definition | None,
        at: datetime,
        *,
        was: Definition | None = None,
        active: bool | None = None,
        in_code: bool | None = None,
    ) -> Trigger:
        """The trigger is defined so from now on, and active or paused, and in a file or not; None leaves it as it is.

        What was due before the change is dealt with as it was defined before. Raises what `create` does, and
        TriggerNotFound; TriggerChanged where it `was` to be defined so until now, and is not; RowUnreadable for one that
        cannot be decoded, unless it is defined anew.
        """
        for _ in range(TRIES):
            seen = self._store.triggers.get(trigger_id, bare=definition is not None)
            if was is not None and seen.definition != was:
                break
            going = seen.active if active is None else active
            if changed := self._changed(seen, definition or seen.definition, at, active=going, in_code=in_code):
                return changed
        raise errors.TriggerChanged(trigger=trigger_id)

    def token(self, trigger_id: int) -> str:
        """The trigger's token, for those who may run it."""
        return self._vault.open(self._store.triggers.token(trigger_id).sealed, PURPOSE)

    def tell(self, label: Label) -> str:
        """The token of the trigger of that label, for those who may run it."""
        return self._vault.open(label.token, PURPOSE)

    def accept(self, trigger_id: int, token: str, at: datetime) -> None:
        """That token is the trigger's from now on."""
        if not vault.same(token, self._store.triggers.token(trigger_id).hash):
            self._store.triggers.rotate(trigger_id, self._seal(token), at)

    def _changed(
        self, seen: Trigger, definition: Definition, at: datetime, *, active: bool, in_code: bool | None
    ) -> Trigger | None:
        """The trigger as it is then; None when somebody else has changed it since."""
        self._settle(seen, at)
        found = self._standing(seen, definition, at, active=active)
        return self._store.triggers.change(
            seen,
            definition,
            Standing(found.considered, found.due_at),
            at,
            active=active,
            in_code=in_code,
            begins=self._begins(seen.pipeline_id, definition, found, at),
        )

    def _settle(self, seen: Trigger, at: datetime) -> None:
        """What has come due is dealt with, as the trigger is now, and what has passed of a paused one is a gap.

        One that was laid aside has nothing due.
        """
        if seen.due_at is not None and (seen.due_at <= at or not seen.active):
            scheduler.Scheduler(self._store, self._maker).fire([seen], at)

    def _standing(self, seen: Trigger, definition: Definition, at: datetime, *, active: bool) -> Decision:
        if not active:
            return firing.edited(definition, at, has_runs=True) if seen.last_enabled_at else Decision()
        known = self._store.triggers
        stands = firing.edited if seen.active else firing.enabled
        return stands(definition, at, has_runs=known.has_runs(seen.id), runtimes=known.runtimes(seen.id))

    def _begins(self, pipeline_id: int, definition: Definition, found: Decision, at: datetime) -> "list[NewRun]":
        if not found.fires:
            return []
        return maker.fired(definition, found.fires, self._maker.look(at).pin(pipeline_id), trigger_id=None)

    def _seal(self, token: str) -> Sealed:
        return Sealed(self._vault.seal(token, PURPOSE), vault.digest(token))


PURPOSE = "trigger token"
