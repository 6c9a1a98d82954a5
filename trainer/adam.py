"""Adam, a variable in one operation."""

import keras
import tensorflow as tf


class Adam(keras.optimizers.Adam):
    """Keras's Adam by TensorFlow's fused kernel, which computes the same (Kingma and Ba 2015).

    Keras takes two dozen small operations a variable: 2,000 of the 4,200 of an iteration of
    `configs/demo.py`. And of the rows of an embedding that a batch has more than once it squares
    the gradients one by one; here they are added first, as they are for a dense variable.
    """

    def _backend_update_step(self, grads, trainable_variables, learning_rate):
        # What corrects the moments' beginning at zero, once for all variables.
        steps = tf.cast(self.iterations + 1, tf.float32)
        correction = tf.sqrt(1.0 - self.beta_2**steps) / (1.0 - self.beta_1**steps)
        super()._backend_update_step(grads, trainable_variables, learning_rate * correction)

    def update_step(self, gradient, variable, learning_rate):
        index = self._get_variable_index(variable)
        tf.raw_ops.ResourceApplyAdam(
            var=variable.handle,
            m=self._momentums[index].value.handle,
            v=self._velocities[index].value.handle,
            beta1_power=0.0,
            beta2_power=0.0,
            lr=learning_rate,
            beta1=self.beta_1,
            beta2=self.beta_2,
            epsilon=self.epsilon,
            grad=tf.convert_to_tensor(gradient),
        )
